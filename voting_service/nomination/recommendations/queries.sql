-- name: insert_draft
-- Insert a draft of a body; no row when the body has too many drafts.
insert into nomination.recommendations (selection_id, body_id, form, created_by, saved_by)
select $1, $2, $3, $4, $4
 where (select count(*) from nomination.recommendations
         where selection_id = $1 and body_id = $2 and state = 'draft') < $5
returning id;

-- name: recommendations
-- All of a selection, of one body, those with the given ids, or those in one state; newest last.
select r.id, r.body_id, r.state, r.form, r.revision, c.name as created_by, r.created_at,
       s.name as saved_by, r.saved_at, r.submitted_at
  from nomination.recommendations r
  join accounts c on c.id = r.created_by
  join accounts s on s.id = r.saved_by
 where r.selection_id = $1
   and ($2::smallint is null or r.body_id = $2)
   and ($3::integer[] is null or r.id = any($3))
   and ($4::text is null or r.state = $4)
 order by r.id;

-- name: files
-- The files attached to recommendations now, without contents.
select recommendation_id, slot, sha256, media_type, pages, added_at, sources, is_coarse,
       printed_sha256
  from nomination.files
 where recommendation_id = any($1::integer[]) and replaced_at is null;

-- name: file
-- One attached file, encrypted.
select media_type, pages, sha256, content, sources, is_coarse
  from nomination.files
 where recommendation_id = $1 and slot = $2 and replaced_at is null;

-- name: has_coarse_photo
-- Whether the photo attached now is below the resolution of good print.
select is_coarse from nomination.files
 where recommendation_id = $1 and slot = 'photo' and replaced_at is null;

-- name: lock_recommendation
-- Make others wait who save, attach or submit until the transaction ends.
select body_id, revision, form from nomination.recommendations where id = $1 for update;

-- name: save_form
-- Replace the form of a revision; no row when that is no longer the newest.
update nomination.recommendations
   set form = $3, revision = revision + 1, saved_by = $4, saved_at = clock_timestamp()
 where id = $1 and revision = $2
returning revision;

-- name: replace_file
-- Detach the file of a slot; it stays on record if it was submitted.
update nomination.files set replaced_at = clock_timestamp()
 where recommendation_id = $1 and slot = $2 and replaced_at is null
returning id;

-- name: insert_file
-- Insert an encrypted file into an empty slot.
insert into nomination.files (recommendation_id, slot, sha256, media_type, pages, content, added_by,
                              sources, is_coarse, printed_sha256)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: insert_submission
-- Submit the stored form; a trigger sets time and turn and enforces the rules.
insert into nomination.submissions (recommendation_id, person_hash, form_sha256, photo_sha256,
                                evidence_sha256, evidence_pages, submitted_by)
values ($1, $2, $3, $4, $5, $6, $7)
returning id;

-- name: submissions
-- The submissions of a recommendation, oldest first.
select s.id, s.recommendation_id, s.turn, s.form, s.form_sha256, s.photo_sha256,
       s.evidence_sha256, s.evidence_pages, s.employer_scan_sha256, s.body_scan_sha256,
       a.name as submitted_by, s.submitted_at, s.late_by_approval
  from nomination.submissions s join accounts a on a.id = s.submitted_by
 where s.recommendation_id = $1
 order by s.turn;

-- name: insert_review
-- Insert a verdict or withdrawal; a trigger sets the time and changes the state.
insert into nomination.reviews (recommendation_id, verdict, reason, account_id, correct_until)
values ($1, $2, $3, $4, $5);

-- name: reviews
-- The verdicts and withdrawal of a recommendation, oldest first.
select r.verdict, r.reason, a.name as by, r.reviewed_at as at, r.correct_until
  from nomination.reviews r join accounts a on a.id = r.account_id
 where r.recommendation_id = $1
 order by r.id;

-- name: holder
-- The recommendation that has a person in a selection.
select r.id, b.name
  from nomination.recommendations r join nomination.bodies b on b.id = r.body_id
 where r.selection_id = $1 and r.person_hash = $2
   and r.state in ('submitted', 'returned', 'accepted', 'rejected');

-- name: insert_conflict
-- A second body wants to recommend the same person; one row for each pair.
insert into nomination.person_conflicts (recommendation_id, holder_id) values ($1, $2)
on conflict do nothing
returning recommendation_id;

-- name: conflicts
-- The conflicts of a selection, newest first, without those where one side has withdrawn.
select c.recommendation_id, r.body_id, c.holder_id, h.body_id as holder_body_id, c.noticed_at
  from nomination.person_conflicts c
  join nomination.recommendations r on r.id = c.recommendation_id
  join nomination.recommendations h on h.id = c.holder_id
 where r.selection_id = $1
   and r.state in ('draft', 'returned')
   and h.state in ('submitted', 'returned', 'accepted', 'rejected')
 order by c.noticed_at desc;

-- name: delete_draft
-- Delete a draft with its files.
select nomination.delete_draft($1, $2);

-- name: submission_ends
-- When the submission of each draft and returned recommendation of a body ends.
select id, nomination.submission_ends(id) as ends_at
  from nomination.recommendations
 where selection_id = $1 and body_id = $2 and state in ('draft', 'returned');

-- name: unsubmitted
-- The drafts and returned recommendations of every body.
select id, body_id, state, saved_at
  from nomination.recommendations
 where selection_id = $1 and state in ('draft', 'returned')
 order by body_id, id;

-- name: take_person_lookup
-- Whether a body may ask about a person: `new`, `known` or `too many`.
select nomination.take_person_lookup($1, $2, $3);

-- name: person_standing
-- Whether a person won before, and has another recommendation of the selection: which one of the
-- body's own, or whether any.
select exists (select 1 from nomination.earlier_winners w where w.person_hash = $3) as won,
       min(r.id) filter (where r.body_id = $2) as own,
       count(r.id) > 0 as taken
  from nomination.recommendations r
 where r.selection_id = $1 and r.person_hash = $3 and r.id <> $4
   and r.state in ('submitted', 'returned', 'accepted', 'rejected');
