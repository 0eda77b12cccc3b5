-- What happened in each of the last 30 minutes, and who was here in the last 5?
WITH recent AS (
    SELECT
        app_id || chr(31) || visitor_id AS visitor,
        date_diff('second', created_at, $now) // 60 AS minutes_ago
    FROM events
    WHERE created_at > $since
      AND created_at <= $now
      AND ($app IS NULL OR app_id = $app)
      AND NOT is_bot
)
SELECT
    minutes_ago,
    count(*) AS events,
    count(DISTINCT visitor) AS visitors,
    (SELECT count(DISTINCT visitor) FROM recent WHERE minutes_ago < 5) AS visitors_now
FROM recent
GROUP BY minutes_ago
ORDER BY minutes_ago
