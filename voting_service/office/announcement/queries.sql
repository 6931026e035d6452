-- name: insert_paper
-- One that is made in the background.
insert into office.papers (selection_id, kind, language, asked_by, asked_at, steps)
values ($1, $2, $3, $4, $5, $6)
returning id;

-- name: paper_progress
-- How far it is.
update office.papers set steps_done = $2 where id = $1;

-- name: paper_gathered
-- What it is made of is there, of the newest version of the result in the same snapshot.
update office.papers p
   set steps_done = 1, remark = $2,
       result_version = (select max(r.version)
                           from award_results r join office.selections s
                             on s.contest_id = r.contest_id
                          where s.id = p.selection_id)
 where p.id = $1;

-- name: finish_paper
-- It is there, or says why it is not.
update office.papers
   set content = $2, failure = $3, finished_at = $4,
       steps_done = case when $3::jsonb is null then steps else steps_done end
 where id = $1;

-- name: papers
-- The newest ones, without their content.
select p.id, p.kind, p.language, a.name as asked_by, p.asked_at, p.steps, p.steps_done,
       p.finished_at, p.failure, p.remark
  from office.papers p join accounts a on a.id = p.asked_by
 where p.selection_id = $1
 order by p.id desc
 limit 30;

-- name: paper
-- One that is finished.
select kind, language, content, result_version
  from office.papers
 where selection_id = $1 and id = $2 and content is not null;

-- name: bodies
-- How many bodies there are, and how many recommended somebody.
select count(*) as bodies,
       count(*) filter (where exists (
           select 1 from office.recommendations r
            where r.selection_id = $1 and r.body_id = b.id and r.submitted_at is not null))
         as bodies_active
  from office.bodies b;

-- name: reviews
-- How many recommendations were returned at least once.
select count(distinct v.recommendation_id) as returned
  from office.reviews v join office.recommendations r on r.id = v.recommendation_id
 where r.selection_id = $1 and v.verdict = 'returned';

-- name: picks_and_objections
-- How many were chosen for the vote, and how many objections came.
select (select count(*) from office.picks where selection_id = $1 and removed_by is null)
         as chosen,
       (select count(*) from office.objections where selection_id = $1) as objections;
