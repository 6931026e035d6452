-- name: insert_render_job
-- A document to render in the background.
insert into office.papers (selection_id, kind, language, asked_by, asked_at, steps)
values ($1, $2, $3, $4, $5, $6)
returning id;

-- name: render_progress
-- How many steps are done.
update office.papers set steps_done = $2 where id = $1;

-- name: render_data_loaded
-- The data is loaded, from the newest version of the result in the same snapshot.
update office.papers p
   set steps_done = 1, remark = $2,
       result_version = (select max(r.version)
                           from award_results r join office.selections s
                             on s.contest_id = r.contest_id
                          where s.id = p.selection_id)
 where p.id = $1;

-- name: finish_render_job
-- The document, or why it could not be rendered.
update office.papers
   set content = $2, failure = $3, finished_at = $4,
       steps_done = case when $3::jsonb is null then steps else steps_done end
 where id = $1;

-- name: render_jobs
-- The newest jobs, without their documents.
select p.id, p.kind, p.language, a.name as requested_by, p.asked_at as requested_at, p.steps, p.steps_done,
       p.finished_at, p.failure, p.remark
  from office.papers p join accounts a on a.id = p.asked_by
 where p.selection_id = $1
 order by p.id desc
 limit 30;

-- name: rendered_document
-- The document of a finished job.
select kind, language, content, result_version
  from office.papers
 where selection_id = $1 and id = $2 and content is not null;

-- name: bodies
-- The number of bodies, and of those that recommended somebody.
select count(*) as bodies,
       count(*) filter (where exists (
           select 1 from office.recommendations r
            where r.selection_id = $1 and r.body_id = b.id and r.submitted_at is not null))
         as bodies_active
  from office.bodies b;

-- name: reviews
-- The number of recommendations that were returned at least once.
select count(distinct v.recommendation_id) as returned
  from office.reviews v join office.recommendations r on r.id = v.recommendation_id
 where r.selection_id = $1 and v.verdict = 'returned';

-- name: shortlist_and_objections
-- The number of shortlisted people, and of objections.
select (select count(*) from office.picks where selection_id = $1 and removed_by is null)
         as chosen,
       (select count(*) from office.objections where selection_id = $1) as objections;
