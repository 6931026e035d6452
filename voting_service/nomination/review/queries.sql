-- name: submitted_recommendations
-- The last submission of each recommendation of a selection, or of some of them.
select r.id, r.body_id, r.state, r.assigned_to, a.name as assignee, s.turn, s.form,
       s.form_sha256, s.photo_sha256, s.evidence_sha256, s.evidence_pages, s.submitted_at,
       s.late_by_approval is not null as is_late,
       (select max(v.reviewed_at) from nomination.reviews v
         where v.recommendation_id = r.id) as reviewed_at,
       array(select p.score from nomination.preliminary_scores p
              where p.recommendation_id = r.id order by p.score) as preliminary_scores
  from nomination.recommendations r
  join nomination.last_submissions s on s.recommendation_id = r.id
  left join accounts a on a.id = r.assigned_to
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
-- Assign recommendations to an account; null for nobody.
update nomination.recommendations set assigned_to = $3
 where selection_id = $1 and id = any ($2) and state not in ('draft', 'withdrawn')
returning id;

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
