-- Decisions beyond the cut: rulings on holds, and settings of a contest. A proposal may also be
-- turned down, by anybody who may decide, or withdrawn by whoever made it. The table holds a few
-- hundred lines, so that checking them all while nobody waits is the simplest.

-- squawk-ignore ban-drop-constraint
alter table decisions drop constraint decisions_kind_check;
-- squawk-ignore constraint-missing-not-valid
alter table decisions add constraint decisions_kind_check
    check (kind in ('tie_order', 'lot', 'publication', 'ruling', 'settings'));

alter table decisions
    -- squawk-ignore adding-foreign-key-constraint
    add column declined_by integer references accounts,
    add column declined_at timestamptz,
    add column declined_because text;
-- squawk-ignore constraint-missing-not-valid
alter table decisions add constraint decisions_one_end
    check (approved_by is null or declined_by is null);
-- squawk-ignore constraint-missing-not-valid
alter table decisions add constraint decisions_refusal_whole check (
    (declined_by is null) = (declined_at is null)
    and (declined_by is null) = (declined_because is null));

create or replace function keep_approved_decisions() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and old.approved_by is null and old.declined_by is null then
        return new;
    end if;
    raise exception 'a decision that was made stands, and none is ever deleted'
        using errcode = 'check_violation', constraint = 'decisions_approved_once';
end
$$;

-- Whoever proposes, approves or declines is somebody who may: not disabled at that moment, and of a
-- role that decides (decisions/model.py: DECIDERS).
create function check_deciders() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (
        select 1
          from unnest(array[new.proposed_by, new.approved_by, new.declined_by]) as person (id)
          left join accounts a on a.id = person.id
         where person.id is not null
           and (a.id is null or a.role not in ('tally_clerk', 'supervisor')
                or (a.disabled
                    and (tg_op = 'INSERT' or person.id is distinct from new.proposed_by)))
    ) then
        raise exception 'only tally clerks and supervisors decide'
            using errcode = 'check_violation', constraint = 'decisions_deciders';
    end if;
    return new;
end
$$;

create trigger check_deciders before insert or update on decisions
    for each row execute function check_deciders();

grant update (declined_by, declined_at, declined_because) on decisions to voting_application;

-- A published document may be shown from a later moment on, the same for everybody; null: at once.
alter table publications add column visible_from timestamptz;

-- Whatever the programs do wrong: exactly the document and the moment that two people approved,
-- and nothing while ballots are in question, or from before a ruling that stands meanwhile (the
-- tables of holds come with the next migration).
create or replace function check_publication() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op <> 'INSERT' then
        raise exception 'what was published stays; publish a new version'
            using errcode = 'check_violation', constraint = 'publications_stay';
    end if;
    if not exists (
        select 1 from decisions d
         where d.id = new.decision_id
           and d.contest_id = new.contest_id
           and d.kind = 'publication'
           and d.subject = new.version::text
           and d.approved_by is not null
           and d.payload ->> 'document_sha256' = encode(sha256(new.document), 'hex')
           and (d.payload ->> 'visible_from')::timestamptz is not distinct from new.visible_from
    ) then
        raise exception 'two people must have approved exactly this document and moment'
            using errcode = 'check_violation', constraint = 'publications_two_people';
    end if;
    if exists (select 1 from holds h
                where h.contest_id = new.contest_id
                  and not exists (select 1 from rulings r where r.hold_id = h.id))
       or exists (select 1 from decisions d
                   where d.contest_id = new.contest_id and d.kind = 'ruling'
                     and d.approved_by is null and d.declined_by is null)
       or exists (select 1 from ballots b
                   where b.contest_id = new.contest_id and b.disposition = 1
                     and not exists (select 1 from hold_ballots m
                                       join rulings r on r.hold_id = m.hold_id
                                      where m.ballot_id = b.ballot_id))
       or (select sum(t.held) from tally_cells t
            where t.contest_id = new.contest_id and t.candidate = 0) > 0
       or (select count(*) from rulings r where r.contest_id = new.contest_id)
          <> (select coalesce((d.payload ->> 'rulings')::integer, 0)
                from decisions d where d.id = new.decision_id) then
        raise exception 'ballots are in question, or were ruled on since the document was made'
            using errcode = 'check_violation', constraint = 'publications_unruled';
    end if;
    return new;
end
$$;

grant select on publications to voting_application;
