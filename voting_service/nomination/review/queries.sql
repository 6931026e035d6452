-- name: submitted_recommendations
-- The last submission of each recommendation of a selection, or of some of them.
select r.id, r.body_id, r.state, s.turn, s.form, s.form_sha256, s.photo_sha256, s.evidence_sha256,
       s.evidence_pages, s.submitted_at, s.late_by_approval is not null as is_late,
       (select max(v.reviewed_at) from nomination.reviews v
         where v.recommendation_id = r.id) as reviewed_at,
       array(select p.score from nomination.preliminary_scores p
              where p.recommendation_id = r.id order by p.score) as preliminary_scores,
       array(select row(a.id, a.name)
               from nomination.assignments g join accounts a on a.id = g.account_id
              where g.recommendation_id = r.id
              order by a.name) as reviewers
  from nomination.recommendations r
  join nomination.last_submissions s on s.recommendation_id = r.id
 where r.selection_id = $1 and ($2::integer[] is null or r.id = any ($2))
 order by r.id;

-- name: file
-- A file as it was last submitted.
select f.media_type, f.pages, f.sha256, f.content
  from nomination.files f
  join nomination.last_submissions s using (recommendation_id)
 where f.recommendation_id = $1 and f.slot = $2
   and f.sha256 = case f.slot when 'photo' then s.photo_sha256
                              when 'evidence' then s.evidence_sha256
                              when 'employer_scan' then s.employer_scan_sha256
                              when 'body_scan' then s.body_scan_sha256 end
 order by f.id desc
 limit 1;

-- name: files
-- The files that were last submitted, without contents.
select distinct on (f.slot) f.slot, f.media_type, f.pages
  from nomination.files f
  join nomination.last_submissions s using (recommendation_id)
 where f.recommendation_id = $1
   and f.sha256 = case f.slot when 'photo' then s.photo_sha256
                              when 'evidence' then s.evidence_sha256
                              when 'employer_scan' then s.employer_scan_sha256
                              when 'body_scan' then s.body_scan_sha256 end
 order by f.slot, f.id desc;

-- name: submissions
-- The submissions of a recommendation.
select s.turn, s.submitted_at, a.name, s.evidence_pages, s.late_by_approval
  from nomination.submissions s join accounts a on a.id = s.submitted_by
 where s.recommendation_id = $1
 order by s.turn;

-- name: notes
-- The notes of reviewers.
select n.content, n.written_at, a.name
  from nomination.notes n join accounts a on a.id = n.account_id
 where n.recommendation_id = $1
 order by n.id;

-- name: insert_note
-- Insert a note; notes are permanent.
insert into nomination.notes (recommendation_id, content, account_id) values ($1, $2, $3);

-- name: preliminary_scores
-- The preliminary scores of a recommendation, with who gave them.
select p.account_id, a.name, p.score
  from nomination.preliminary_scores p join accounts a on a.id = p.account_id
 where p.recommendation_id = $1
 order by a.name;

-- name: save_preliminary_score
-- Give a preliminary score, or change one's own; a trigger enforces the rules.
insert into nomination.preliminary_scores (recommendation_id, account_id, score)
values ($1, $2, $3)
on conflict (recommendation_id, account_id) do update set score = excluded.score;

-- name: conflicts
-- The bodies that wanted to recommend the same person.
select r.body_id
  from nomination.person_conflicts c join nomination.recommendations r on r.id = c.recommendation_id
 where c.holder_id = $1
 order by c.noticed_at;

-- name: reviewers
-- The accounts that may be assigned.
select id, name from accounts
 where role in ('reviewer', 'supervisor') and not disabled
 order by name;

-- name: assign
-- Give recommendations the reviewers of the second array in the same places, and no others;
-- return those that have other reviewers now.
with given as (
    select distinct r.id, pair.account_id
      from unnest($2::integer[], $3::integer[]) as pair (id, account_id)
      join nomination.recommendations r on r.id = pair.id
     where r.selection_id = $1 and r.state not in ('draft', 'withdrawn')
), taken as (
    delete from nomination.assignments a
     where a.recommendation_id in (select id from given)
       and not exists (select from given g
                        where g.id = a.recommendation_id and g.account_id = a.account_id)
    returning a.recommendation_id
), added as (
    insert into nomination.assignments (recommendation_id, account_id, assigned_by)
    select id, account_id, $4 from given where account_id is not null
    on conflict do nothing
    returning recommendation_id
)
select recommendation_id from taken union select recommendation_id from added order by 1;

-- name: accepted
-- The recommendations of a selection that are accepted.
select id from nomination.recommendations where selection_id = $1 and state = 'accepted';

-- name: shortlisted
-- The recommendations on the shortlist, from the approved decision to choose it.
select recommendation_id from nomination.shortlist_entries
 where selection_id = $1 and removed_by is null;

-- name: stamp
-- A stamp of the joint office by its hash, or the newest.
select sha256, content
  from nomination.joint_office_stamps
 where selection_id = $1 and ($2::bytea is null or sha256 = $2)
 order by id desc
 limit 1;

-- name: insert_stamp
-- Insert a stamp of the joint office; the newest is used.
insert into nomination.joint_office_stamps (selection_id, sha256, content, added_by)
values ($1, $2, $3, $4);

-- name: insert_pack
-- A document pack to make in the background.
insert into nomination.document_packs
    (selection_id, recommendations, language, requested_by, requested_at, steps)
values ($1, $2, $3, $4, $5, cardinality($2::integer[]))
returning id;

-- name: begin_pack
-- Count an attempt and return it; no row once the job has finished.
update nomination.document_packs
   set attempts = attempts + 1, steps_done = 0
 where id = $1 and finished_at is null
returning id as job_id, attempts as number, attempts - attempts_before as since_request;

-- name: reset_pack
-- Request a failed or unfinished pack again; no row for any other.
update nomination.document_packs
   set attempts_before = attempts, steps_done = 0, finished_at = null, failure = null
 where id = $1 and (finished_at is null or failure is not null)
returning id;

-- name: pack_request
-- What a pack is made of, and for whom.
select s.slug as selection, p.recommendations, p.language,
       a.id, a.name, a.role, a.disabled, a.created_at
  from nomination.document_packs p
  join nomination.selections s on s.id = p.selection_id
  join accounts a on a.id = p.requested_by
 where p.id = $1;

-- name: pack_progress
-- How many people are in the pack; nothing is stored by an attempt that is not the newest.
update nomination.document_packs set steps_done = $3
 where id = $1 and attempts = $2 and finished_at is null;

-- name: insert_piece
-- The next piece of a pack, by the newest attempt only.
insert into nomination.document_pack_pieces (pack_id, place, content)
select $1, $3, $4
  from nomination.document_packs where id = $1 and attempts = $2 and finished_at is null
returning place;

-- name: finish_pack
-- The pack is whole, or why it could not be made, once, and by the newest attempt.
update nomination.document_packs
   set size_bytes = $3, failure = $4, finished_at = $5
 where id = $1 and attempts = $2 and finished_at is null
returning id;

-- name: delete_pieces
-- The pieces of a pack that is begun again, or failed.
delete from nomination.document_pack_pieces where pack_id = $1;

-- name: delete_old_pieces
-- The pieces of packs that were finished before a moment.
delete from nomination.document_pack_pieces c using nomination.document_packs p
 where p.id = c.pack_id and p.finished_at < $1;

-- name: forget_old_packs
-- Packs whose pieces are deleted cannot be downloaded.
update nomination.document_packs set size_bytes = null where finished_at < $1 and size_bytes is not null;

-- name: packs
-- The newest packs of a selection, or of all ($1 null).
select p.id, p.language, cardinality(p.recommendations) as people, a.name as requested_by,
       p.requested_at, p.attempts, p.steps, p.steps_done, p.finished_at, p.failure, p.size_bytes,
       s.rules -> 'title' as selection_title
  from nomination.document_packs p
  join accounts a on a.id = p.requested_by
  join nomination.selections s on s.id = p.selection_id
 where p.selection_id = $1 or $1 is null
 order by p.id desc
 limit $2;

-- name: whole_pack
-- A pack that can be downloaded.
select id, language, cardinality(recommendations) as people, size_bytes
  from nomination.document_packs
 where selection_id = $1 and id = $2 and size_bytes is not null and finished_at >= $3;

-- name: piece
-- A piece of a pack.
select content from nomination.document_pack_pieces where pack_id = $1 and place = $2;
