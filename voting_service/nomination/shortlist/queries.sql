-- name: shortlist
-- Every entry there ever was, by number; removed entries last.
select recommendation_id, number, removed_by is not null as is_removed, approval_id
  from nomination.shortlist_entries
 where selection_id = $1
 order by removed_by is not null, number nulls last, recommendation_id;

-- name: profiles
-- The encrypted public profiles of the shortlist.
select f.recommendation_id, f.content, f.revision
  from nomination.profiles f join nomination.shortlist_entries p using (recommendation_id)
 where p.selection_id = $1 and ($2::integer is null or f.recommendation_id = $2);

-- name: save_profile
-- Store a first profile, where revision 0 was edited.
insert into nomination.profiles as f (recommendation_id, content, saved_by)
select $1, $2, $3 where $4 = 0
on conflict (recommendation_id) do nothing
returning f.revision;

-- name: change_profile
-- Replace a profile whose revision is the one that was edited.
update nomination.profiles
   set content = $2, saved_by = $3, saved_at = clock_timestamp(), revision = revision + 1
 where recommendation_id = $1 and revision = $4
returning revision;

-- name: objections
-- Every objection to the notices of a selection, the newest first.
select o.id, o.notice, o.recommendation_id, o.received_on, o.sender, o.content,
       e.name as entered_by, o.entered_at, w.verdict, w.answer, a.name as answered_by,
       w.answered_at
  from nomination.objections o
  join accounts e on e.id = o.entered_by
  left join nomination.objection_answers w on w.objection_id = o.id
  left join accounts a on a.id = w.answered_by
 where o.selection_id = $1
 order by o.id desc;

-- name: insert_objection
-- A new objection; sender and content are encrypted.
insert into nomination.objections
    (selection_id, notice, recommendation_id, received_on, sender, content, entered_by)
values ($1, $2, $3, $4, $5, $6, $7)
returning id;

-- name: answer_objection
-- The only answer to an objection.
insert into nomination.objection_answers (objection_id, verdict, answer, answered_by)
values ($1, $2, $3, $4)
on conflict (objection_id) do nothing
returning objection_id;

-- name: blocker
-- What keeps the shortlist from the contest; null when nothing does.
select nomination.contest_publication_blocker($1);

-- name: link_contest
-- The contest that the shortlist was published to.
update nomination.selections set contest_id = $2 where id = $1;

-- name: draft
-- Every tick of the draft that was ever changed, and who changed it last.
select d.recommendation_id, d.is_chosen, r.state = 'accepted' as is_accepted,
       a.name as changed_by, d.changed_at
  from nomination.shortlist_draft d
  join nomination.recommendations r on r.id = d.recommendation_id
  join accounts a on a.id = d.changed_by
 where r.selection_id = $1
 order by d.recommendation_id;

-- name: save_draft
-- Tick or untick recommendations; return those that were changed. Only accepted ones are ticked.
insert into nomination.shortlist_draft as d (recommendation_id, is_chosen, changed_by)
select r.id, $3, $4
  from nomination.recommendations r
 where r.selection_id = $1 and r.id = any ($2::integer[]) and (r.state = 'accepted' or not $3)
 order by r.id
on conflict (recommendation_id) do update
   set is_chosen = excluded.is_chosen, changed_by = excluded.changed_by,
       changed_at = clock_timestamp()
 where d.is_chosen <> excluded.is_chosen
returning recommendation_id;
