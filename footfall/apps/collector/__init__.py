"""The collector: the public door, as its own small tree of processes.

``python -m footfall.apps.collector`` takes its settings from ``footfall.toml`` and the environment
(``FOOTFALL_DATA``, ``FOOTFALL_COLLECTOR_ADDRESS``, ...). The parent process forks
``collector.workers`` workers, forks another when one dies, and holds the port meanwhile. SIGTERM
ends it within 3 s with code 0 after what waits was committed; when the parent is killed its workers
end by themselves, and with ``FOOTFALL_PARENT`` (a process id) set it ends when that process does.
"""
