-- name: insert_draft
-- An empty form of a body; refused by leaving it out when too many drafts are open.
insert into office.recommendations (selection_id, body_id, form, created_by, saved_by)
select $1, $2, $3, $4, $4
 where (select count(*) from office.recommendations
         where selection_id = $1 and body_id = $2 and state = 'draft') < $5
returning id;

-- name: recommendations
-- All of a selection, or of one body of it, or one of them; the newest last.
select r.id, r.body_id, r.state, r.form, r.revision, c.name as created_by, r.created_at,
       s.name as saved_by, r.saved_at, r.submitted_at, r.assigned_to
  from office.recommendations r
  join accounts c on c.id = r.created_by
  join accounts s on s.id = r.saved_by
 where r.selection_id = $1
   and ($2::smallint is null or r.body_id = $2)
   and ($3::integer is null or r.id = $3)
 order by r.id;

-- name: files
-- What is attached to recommendations now, without contents.
select recommendation_id, slot, sha256, media_type, pages, added_at
  from office.files
 where recommendation_id = any($1::integer[]) and replaced_at is null;

-- name: file
-- One attached file, sealed.
select media_type, pages, sha256, content
  from office.files
 where recommendation_id = $1 and slot = $2 and replaced_at is null;

-- name: lock_recommendation
-- Holds others who save, attach or submit until the transaction ends.
select state, revision, form from office.recommendations where id = $1 for update;

-- name: save_form
-- A form in place of the one of a revision; nothing when that is not the newest any more.
update office.recommendations
   set form = $3, revision = revision + 1, saved_by = $4, saved_at = clock_timestamp()
 where id = $1 and revision = $2
returning revision;

-- name: replace_file
-- What was in the slot is no longer attached; it stays on record.
update office.files set replaced_at = clock_timestamp()
 where recommendation_id = $1 and slot = $2 and replaced_at is null
returning id;

-- name: insert_file
-- A sealed file into an empty slot.
insert into office.files (recommendation_id, slot, sha256, media_type, pages, content, added_by)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: insert_submission
-- Hands the stored form in; the table stamps time and turn, and refuses what the rules refuse.
insert into office.submissions (recommendation_id, person_hash, form_sha256, photo_sha256,
                                evidence_sha256, evidence_pages, submitted_by)
values ($1, $2, $3, $4, $5, $6, $7)
returning id;

-- name: submissions
-- What was handed in of a recommendation, oldest first.
select s.id, s.recommendation_id, s.turn, s.form, s.form_sha256, s.photo_sha256,
       s.evidence_sha256, s.evidence_pages, a.name as submitted_by, s.submitted_at,
       s.late_by_decision
  from office.submissions s join accounts a on a.id = s.submitted_by
 where s.recommendation_id = $1
 order by s.turn;

-- name: insert_review
-- What becomes of a recommendation; the table stamps the time and changes the state.
insert into office.reviews (recommendation_id, verdict, reason, account_id)
values ($1, $2, $3, $4);

-- name: reviews
-- What became of a recommendation, oldest first.
select r.verdict, r.reason, a.name as by, r.reviewed_at as at
  from office.reviews r join accounts a on a.id = r.account_id
 where r.recommendation_id = $1
 order by r.id;

-- name: holder
-- Whose recommendation holds a person in a selection.
select r.id, b.name
  from office.recommendations r join office.bodies b on b.id = r.body_id
 where r.selection_id = $1 and r.person_hash = $2
   and r.state in ('submitted', 'returned', 'accepted', 'rejected');

-- name: insert_conflict
-- A second body wants to recommend the same person; once a pair.
insert into office.person_conflicts (recommendation_id, holder_id) values ($1, $2)
on conflict do nothing
returning recommendation_id;

-- name: conflicts
-- Who wanted to recommend whom another body recommends already: of a selection, newest first;
-- those where either side let go of the person are left out.
select c.recommendation_id, r.body_id, c.holder_id, h.body_id as holder_body_id, c.noticed_at
  from office.person_conflicts c
  join office.recommendations r on r.id = c.recommendation_id
  join office.recommendations h on h.id = c.holder_id
 where r.selection_id = $1
   and r.state in ('draft', 'returned')
   and h.state in ('submitted', 'returned', 'accepted', 'rejected')
 order by c.noticed_at desc;

-- name: unsubmitted
-- What may still be submitted, of every body.
select id, body_id, state, saved_at
  from office.recommendations
 where selection_id = $1 and state in ('draft', 'returned')
 order by body_id, id;
