"""Access logs: one file per format; ``formats`` lists them, ``arrived`` takes their lines onward."""
