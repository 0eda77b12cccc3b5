-- Which earlier ids are which user? (Read only when visitors are stitched.)
-- An id is a user when all its edges lead to that one; one that leads to two, as on a shared device,
-- stays itself. Up to three edges are followed; an id whose way goes on beyond, or in a ring, stays itself.
with links as (
    select app_id, previous_id, min(user_id) as person
    from identity_edges
    group by app_id, previous_id
    having min(user_id) = max(user_id)
)
select
    one.app_id as app_id,
    one.previous_id as earlier_id,
    coalesce(three.person, two.person, one.person) as person
from links as one
left join links as two on two.app_id = one.app_id and two.previous_id = one.person
left join links as three on three.app_id = two.app_id and three.previous_id = two.person
left join links as four on four.app_id = three.app_id and four.previous_id = three.person
where four.previous_id is null
