-- name: insert_render_job
-- A document to render in the background.
insert into nomination.documents (selection_id, kind, language, requested_by, requested_at, steps)
values ($1, $2, $3, $4, $5, $6)
returning id;

-- name: begin_render_job
-- Counts an attempt and returns it; no row once the job has finished.
update nomination.documents
   set attempts = attempts + 1, steps_done = 0
 where id = $1 and finished_at is null
returning id as job_id, attempts as number, attempts - attempts_before as since_request;

-- name: reset_render_job
-- Requests a failed or unfinished job again; no row for any other.
update nomination.documents
   set attempts_before = attempts, steps_done = 0, finished_at = null, failure = null
 where id = $1 and (finished_at is null or failure is not null)
returning id;

-- name: render_request
-- Which document to render, of which selection.
select s.slug as selection, d.kind, d.language
  from nomination.documents d join nomination.selections s on s.id = d.selection_id
 where d.id = $1;

-- name: render_progress
-- How many steps are done; nothing is stored by an attempt that is not the newest.
update nomination.documents set steps_done = $3 where id = $1 and attempts = $2;

-- name: render_data_loaded
-- The data is loaded, from the newest version of the result in the same snapshot.
update nomination.documents d
   set steps_done = 1, remark = $3,
       result_version = (select max(r.version)
                           from award_results r join nomination.selections s
                             on s.contest_id = r.contest_id
                          where s.id = d.selection_id)
 where d.id = $1 and d.attempts = $2;

-- name: finish_render_job
-- The document, or why it could not be rendered, once, and by the newest attempt.
update nomination.documents
   set content = $3, failure = $4, finished_at = $5,
       steps_done = case when $4::jsonb is null then steps else steps_done end
 where id = $1 and attempts = $2 and finished_at is null;

-- name: render_jobs
-- The newest jobs of a selection, or of all ($1 null), without their documents.
select d.id, d.kind, d.language, a.name as requested_by, d.requested_at, d.attempts,
       d.steps, d.steps_done, d.finished_at, d.failure, d.remark,
       s.rules -> 'title' as selection_title
  from nomination.documents d
  join accounts a on a.id = d.requested_by
  join nomination.selections s on s.id = d.selection_id
 where d.selection_id = $1 or $1 is null
 order by d.id desc
 limit $2;

-- name: rendered_document
-- The document of a finished job.
select kind, language, content, result_version
  from nomination.documents
 where selection_id = $1 and id = $2 and content is not null;

-- name: bodies
-- The number of bodies, and of those that recommended somebody.
select count(*) as bodies,
       count(*) filter (where exists (
           select 1 from nomination.recommendations r
            where r.selection_id = $1 and r.body_id = b.id and r.submitted_at is not null))
         as bodies_active
  from nomination.bodies b;

-- name: reviews
-- The number of recommendations that were returned at least once.
select count(distinct v.recommendation_id) as returned
  from nomination.reviews v join nomination.recommendations r on r.id = v.recommendation_id
 where r.selection_id = $1 and v.verdict = 'returned';

-- name: shortlist_and_objections
-- The number of shortlisted people, and of objections.
select (select count(*) from nomination.shortlist_entries
         where selection_id = $1 and removed_by is null) as chosen,
       (select count(*) from nomination.objections where selection_id = $1) as objections;

-- name: report_texts
-- The texts of the summary report, and who saved them last.
select t.sections, t.revision, a.name as saved_by, t.saved_at
  from nomination.report_texts t join accounts a on a.id = t.saved_by
 where t.selection_id = $1;

-- name: save_report_texts
-- Replaces only the revision that was edited; returns nothing when there is a newer one.
insert into nomination.report_texts as t (selection_id, sections, saved_by, saved_at)
select $1, $2, $3, $4
 where $5 = 0 or exists (select from nomination.report_texts where selection_id = $1)
on conflict (selection_id) do update
   set sections = excluded.sections, saved_by = excluded.saved_by, saved_at = excluded.saved_at,
       revision = t.revision + 1
 where t.revision = $5
returning revision;
