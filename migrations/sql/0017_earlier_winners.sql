-- Whoever wins is an earlier winner from then on; a correction that leaves somebody out takes that
-- back. Whom the office entered from lists of earlier years has no selection here.
alter table office.earlier_winners
    -- squawk-ignore adding-foreign-key-constraint
    add column selection_id smallint references office.selections;

create function office.remember_winners() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    newest record;
begin
    select a.selection_id, max(a.version) as version into newest
      from office.awards a
     where a.selection_id = (select n.selection_id from arrived n limit 1)
     group by a.selection_id;
    delete from office.earlier_winners w where w.selection_id = newest.selection_id;
    insert into office.earlier_winners (person_hash, year, selection_id)
    select r.person_hash, extract(year from s.closes_at), s.id
      from office.awards a
      join office.selections s on s.id = a.selection_id
      join office.picks p on p.selection_id = a.selection_id and p.number = a.number
                         and p.removed_by is null
      join office.recommendations r on r.id = p.recommendation_id
     where a.selection_id = newest.selection_id and a.version = newest.version
       and a.award = 'winner' and r.person_hash is not null
    on conflict (person_hash) do nothing;
    return null;
end
$$;

create trigger remember_winners after insert on office.awards
    referencing new table as arrived
    for each statement execute function office.remember_winners();
