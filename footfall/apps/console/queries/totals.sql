-- How many people came, each counted once, and how much did they do in the whole range?
WITH chosen AS (
    SELECT app_id, visitor_id, sum(events) AS events
    FROM visitor_days
    WHERE day >= $start
      AND day <= $last
      AND ($app IS NULL OR app_id = $app)
      AND ($bots OR NOT is_bot)
    GROUP BY app_id, visitor_id
)
SELECT count(*) AS visitors, cast(coalesce(sum(events), 0) AS BIGINT) AS events
FROM chosen
