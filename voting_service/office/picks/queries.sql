-- name: picks
-- Everybody who was ever chosen, by number; whoever was removed last.
select recommendation_id, number, removed_by is not null as is_removed, decision_id
  from office.picks
 where selection_id = $1
 order by removed_by is not null, number nulls last, recommendation_id;

-- name: profiles
-- What is to become public of somebody, sealed.
select f.recommendation_id, f.content, f.revision
  from office.profiles f join office.picks p using (recommendation_id)
 where p.selection_id = $1 and ($2::integer is null or f.recommendation_id = $2);

-- name: save_profile
-- Puts a text in the place of the revision that was loaded; 0: there was none.
insert into office.profiles as f (recommendation_id, content, saved_by)
select $1, $2, $3 where $4 = 0
on conflict (recommendation_id) do nothing
returning f.revision;

-- name: change_profile
-- The same for what was saved before.
update office.profiles
   set content = $2, saved_by = $3, saved_at = clock_timestamp(), revision = revision + 1
 where recommendation_id = $1 and revision = $4
returning revision;

-- name: objections
-- Every objection to the notices of a selection, the newest first.
select o.id, o.notice, o.recommendation_id, o.received_on, o.sender, o.content,
       e.name as entered_by, o.entered_at, w.verdict, w.answer, a.name as answered_by,
       w.answered_at
  from office.objections o
  join accounts e on e.id = o.entered_by
  left join office.objection_answers w on w.objection_id = o.id
  left join accounts a on a.id = w.answered_by
 where o.selection_id = $1
 order by o.id desc;

-- name: insert_objection
-- What came in; who sent it and what it says is sealed.
insert into office.objections
    (selection_id, notice, recommendation_id, received_on, sender, content, entered_by)
values ($1, $2, $3, $4, $5, $6, $7)
returning id;

-- name: answer_objection
-- The one answer that an objection gets.
insert into office.objection_answers (objection_id, verdict, answer, answered_by)
values ($1, $2, $3, $4)
on conflict (objection_id) do nothing
returning objection_id;

-- name: blocked
-- What keeps the chosen from the vote; null when nothing does.
select office.hand_over_blocked($1);

-- name: set_contest
-- The chosen stand for the vote in this contest.
update office.selections set contest_id = $2 where id = $1;
