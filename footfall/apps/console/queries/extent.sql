-- Which days hold data, so that a page opens where something can be seen?
-- Days after today (a sender's wrong clock) do not move the page away from the present.
SELECT
    min(day) AS first_day,
    coalesce(max(day) FILTER (day <= $today), max(day)) AS last_day,
    cast(coalesce(sum(events), 0) AS BIGINT) AS events,
    (SELECT list(DISTINCT app_id ORDER BY app_id) FROM visitor_days) AS apps
FROM visitor_days
WHERE ($app IS NULL OR app_id = $app)
