-- name: queue
-- The jobs that wait or run.
select dedupe_key, case status when 'picked' then 'running' else 'waiting' end as status
  from jobs.pgqueuer
 where status in ('queued', 'picked') and dedupe_key is not null;
