-- Transaction ids belong to one PostgreSQL cluster: after a dump was restored into another one, or
-- after pg_upgrade, the kept tally and the ids of its ballots name transactions of a past that this
-- cluster never had. So a floor names its cluster, and nothing is counted by it in another one,
-- until `voting-service tally rebuild` has made it of this one.
create function current_cluster() returns bigint
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
    select system_identifier from pg_control_system()
$$;

-- Floors that stand already are of this cluster, unless one is in its future or a ballot was put
-- into its row by another transaction than the one it names, as the restore of a dump does. Those
-- are of no known cluster (0). Read before any table is locked.
create temporary table restored_contests on commit drop as
    select f.contest_id
      from tally_floors f
     where f.floor > pg_snapshot_xmin(pg_current_snapshot())
        or exists (select from ballots b
                    where b.contest_id = f.contest_id and b.xmin <> b.commit_xid::xid);

alter table tally_floors add column cluster bigint;
update tally_floors f
   set cluster = case when exists (select from restored_contests r
                                    where r.contest_id = f.contest_id)
                      then 0 else current_cluster() end;
-- A default, for the services of the version before, which do not name it.
alter table tally_floors alter column cluster set default current_cluster();
-- A table of one line a contest.
-- squawk-ignore adding-not-nullable-field
alter table tally_floors alter column cluster set not null;

-- How far the kept aggregates reach, for whoever is about to read or move them. Without a floor:
-- the first, unless ballots name transactions that are still to come.
create function checked_floor(contest smallint) returns xid8
language plpgsql stable set search_path = public, pg_temp as $$
declare
    kept tally_floors;
    newest xid8;
    is_ours boolean;
begin
    select * into kept from tally_floors f where f.contest_id = contest;
    if kept.contest_id is null then
        select b.commit_xid into newest from ballots b
         where b.contest_id = contest
           and b.commit_xid is distinct from pg_current_xact_id_if_assigned()
         order by b.commit_xid desc limit 1;
        is_ours := newest is null or newest < pg_snapshot_xmax(pg_current_snapshot());
    else
        is_ours := kept.cluster = current_cluster()
                   and kept.floor <= pg_snapshot_xmin(pg_current_snapshot());
    end if;
    if not is_ours then
        raise exception 'the kept tally of contest % is of another cluster', contest
            using errcode = 'check_violation', constraint = 'tally_floors_cluster';
    end if;
    return coalesce(kept.floor, '0');
end
$$;

-- As before (0006_rulings.sql), and refused in another cluster: so is every reader of tally_cells.
create or replace function recent_tally(contest smallint)
returns table (hour timestamptz, platform_id smallint, candidate smallint, gross bigint,
               held bigint)
language plpgsql stable set search_path = public, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
    reached xid8 := checked_floor(contest);
begin
    return query
    select date_trunc('hour', b.cast_at, 'UTC'), b.platform_id, c.candidate,
           count(*), count(*) filter (where b.disposition = 1)
      from ballots b, unnest(0::smallint || b.choices) as c (candidate)
     where b.contest_id = contest and b.commit_xid >= reached
     group by 1, 2, 3;
end
$$;

-- A ballot never changes, whoever asks. Only the transaction that stored it may be forgotten, by
-- the tables' owner alone: `tally rebuild` sets it to 0, which is before every floor.
create function keep_ballots() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    old.commit_xid := '0';
    if new is distinct from old then
        raise exception 'a ballot stays as it was cast'
            using errcode = 'check_violation', constraint = 'records_stay';
    end if;
    return new;
end
$$;

create trigger ballots_stay before update on ballots
    for each row execute function keep_ballots();

grant execute on function current_cluster(), checked_floor(smallint) to voting_application;
