-- What changes of a candidate after the import, each approved by two people: corrections of the profile
-- and pictures, and the withdrawal. Both are public for ever. Only the approval of a proposal
-- writes here: no role of a process has the right.

-- The fields that a correction changed, as they were and as they are since. `pictures` among them
-- stands for all pictures of the candidate, the portrait first.
create table profile_corrections (
    approval_id   integer primary key references approval_requests,
    contest_id    smallint not null,
    number        smallint not null,
    turn          integer not null check (turn > 0),  -- 1 for the candidate's first correction
    corrected_at  timestamptz not null,
    before        jsonb not null,   -- contests/model.py: ProfileCorrection
    after         jsonb not null,
    before_hidden boolean not null,  -- the public does not see `before`, because of what it says
    reason        jsonb not null,    -- contests/model.py: Text, for the public
    constraint profile_corrections_turn unique (contest_id, number, turn),
    foreign key (contest_id, number) references candidates
);

-- Candidates who are out of the contest. From `withdrawn_at` on no ballot can name them; those that
-- do already stay valid for their other choices. Nobody comes back.
create table withdrawals (
    contest_id   smallint not null,
    number       smallint not null,
    approval_id  integer not null references approval_requests,
    ground       text not null check (ground in ('stepped_back', 'disqualified', 'died')),
    reason       jsonb not null,    -- contests/model.py: Text, for the public
    withdrawn_at timestamptz not null,
    primary key (contest_id, number),
    foreign key (contest_id, number) references candidates
);

-- Rules: a correction is about the candidate as they are now, changes neither the number nor, once
-- the signed result has it, the name, and shows pictures that are stored.
create function carry_out_correction() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    change constant jsonb := new.payload;
    candidate constant smallint := (new.payload ->> 'number')::smallint;
    shown jsonb;
    next_turn integer;
begin
    if tg_relid <> 'approval_requests'::regclass then  -- it writes with the owner's rights
        raise exception 'corrections come from approval requests only'
            using errcode = 'insufficient_privilege';
    end if;
    -- Every worker loads the contest again; and changes of a contest happen one after another.
    update contests set revision = revision + 1 where id = new.contest_id;
    select c.profile || jsonb_build_object('pictures', coalesce((
               select jsonb_agg(jsonb_build_object('hash', p.hash, 'width', p.width,
                                                   'height', p.height, 'caption', p.caption)
                                order by p.place)
                 from pictures p where p.contest_id = c.contest_id and p.number = c.number), '[]'))
      into shown
      from candidates c where c.contest_id = new.contest_id and c.number = candidate;
    select coalesce(max(k.turn), 0) + 1 into next_turn
      from profile_corrections k where k.contest_id = new.contest_id and k.number = candidate;
    if shown is null or change -> 'after' ? 'number'
       or new.subject <> candidate || '/' || next_turn
       or array(select jsonb_object_keys(change -> 'before') order by 1)
          <> array(select jsonb_object_keys(change -> 'after') order by 1)
       or exists (select from jsonb_each(change -> 'before') as field  -- a profile omits what is empty
                   where coalesce(nullif(shown -> field.key, '[]'), 'null')
                         <> coalesce(nullif(field.value, '[]'), 'null')) then
        raise exception 'the proposed correction does not match the candidate as shown now'
            using errcode = 'check_violation', constraint = 'profile_corrections_turn';
    end if;
    if change -> 'after' ? 'name'
       and exists (select from publications p where p.contest_id = new.contest_id) then
        raise exception 'the signed result has the name'
            using errcode = 'check_violation', constraint = 'profile_corrections_name_signed';
    end if;
    update candidates
       set profile = profile || (change -> 'after') - 'pictures'
     where contest_id = new.contest_id and number = candidate;
    if change -> 'after' ? 'pictures' then
        delete from pictures where contest_id = new.contest_id and number = candidate;
        insert into pictures (contest_id, number, place, hash, width, height, caption)
        select new.contest_id, candidate,
               case when p.picture -> 'caption' = 'null' then 0
                    else count(*) filter (where p.picture -> 'caption' <> 'null') over (
                             order by p.place) end,
               p.picture ->> 'hash', (p.picture ->> 'width')::smallint,
               (p.picture ->> 'height')::smallint, nullif(p.picture -> 'caption', 'null')
          from jsonb_array_elements(change -> 'after' -> 'pictures') with ordinality
               as p (picture, place)
         where exists (select from picture_files f
                        where f.contest_id = new.contest_id and f.number = candidate
                          and f.hash = p.picture ->> 'hash');
        if (select count(*) from pictures
             where contest_id = new.contest_id and number = candidate)
           <> jsonb_array_length(change -> 'after' -> 'pictures') then
            raise exception 'a picture of the correction is not stored'
                using errcode = 'check_violation', constraint = 'profile_corrections_turn';
        end if;
    end if;
    insert into profile_corrections (approval_id, contest_id, number, turn, corrected_at, before,
                                     after, before_hidden, reason)
    values (new.id, new.contest_id, candidate, next_turn, clock_timestamp(), change -> 'before',
            change -> 'after', (change -> 'before_hidden')::boolean, change -> 'reason');
    return null;
end
$$;

create trigger carry_out_correction after update on approval_requests
    for each row
    when (new.kind = 'profile_correction' and old.approved_by is null
          and new.approved_by is not null)
    execute function carry_out_correction();

-- Rules: a candidate withdraws once; while ballots are cast, enough candidates stay to fill one,
-- and afterwards one. It takes effect after fifteen seconds, so that the moment is the same for all:
-- check_withdrawal_in_time. Withdrawals take effect one after another, in the order of approval.
create function carry_out_withdrawal() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    contest contests;
begin
    if tg_relid <> 'approval_requests'::regclass then  -- it writes with the owner's rights
        raise exception 'withdrawals come from approval requests only'
            using errcode = 'insufficient_privilege';
    end if;
    update contests set revision = revision + 1 where id = new.contest_id returning * into contest;
    insert into withdrawals (contest_id, number, approval_id, ground, reason, withdrawn_at)
    select new.contest_id, (new.payload ->> 'number')::smallint, new.id, new.payload ->> 'ground',
           new.payload -> 'reason',
           greatest(clock_timestamp() + interval '15 seconds',
                    (select max(w.withdrawn_at) + interval '1 microsecond'
                       from withdrawals w where w.contest_id = contest.id));
    if (select count(*) from candidates k where k.contest_id = contest.id)
       - (select count(*) from withdrawals w where w.contest_id = contest.id)
       < (case when clock_timestamp() < contest.closes_at
               then (contest.rules -> 'ballot' ->> 'min_choices')::integer else 1 end) then
        raise exception 'too few candidates would be left to choose'
            using errcode = 'check_violation', constraint = 'withdrawals_too_few_left';
    end if;
    return null;
end
$$;

create trigger carry_out_withdrawal after update on approval_requests
    for each row
    when (new.kind = 'withdrawal' and old.approved_by is null and new.approved_by is not null)
    execute function carry_out_withdrawal();

-- Rule: at the commit of a withdrawal there is time left until every worker knows of it, or takes no
-- votes: until the commit ends (COMMAND_TIMEOUT_SECONDS), what a worker has in memory is too old
-- (CACHE_STALE_SECONDS, both in infrastructure/timeouts.py), and the fastest clock of a worker agrees
-- (MAX_OFFSET_SECONDS in infrastructure/postgres/database_clock.py). So no ballot dated from
-- `withdrawn_at` on names the candidate, and inserting ballots need not ask.
create function withdrawal_notice() returns interval
language sql immutable as $$ select interval '12 seconds' $$;

-- Refuses a withdrawal that its transaction stores with less than this time left. Deferred, so it looks
-- when everything else is done.
create function check_withdrawal_in_time() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.withdrawn_at < clock_timestamp() + withdrawal_notice() then
        raise exception 'the approval of a withdrawal took too long to store'
            using errcode = 'check_violation', constraint = 'withdrawals_in_time';
    end if;
    return null;
end
$$;

create constraint trigger check_withdrawal_in_time after insert on withdrawals
    deferrable initially deferred
    for each row execute function check_withdrawal_in_time();

create trigger profile_corrections_stay before update or delete or truncate on profile_corrections
    for each statement execute function refuse_change();
create trigger withdrawals_stay before update or delete or truncate on withdrawals
    for each statement execute function refuse_change();

-- Rule: from the announcement on, the pictures that are shown change by a correction only, and files
-- stay. After the result of the award, though, a portrait follows the winner's one for print. Inside
-- carry_out_correction the current user is the tables' owner.
create function check_picture_change() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if exists (select from contests c
                where c.id in (new.contest_id, old.contest_id)
                  and c.created_xid <> pg_current_xact_id()
                  and clock_timestamp()
                      >= coalesce((c.rules ->> 'publish_at')::timestamptz, c.opens_at))
       and not pg_has_role(current_user,
                           (select c.relowner from pg_class c where c.oid = tg_relid), 'member')
       and not (tg_op <> 'DELETE' and to_jsonb(new) ->> 'place' = '0'
                and exists (select from award_portraits a join award_results r using (contest_id)
                             where a.contest_id = new.contest_id and a.number = new.number)) then
        raise exception 'two people correct the pictures of an announced contest'
            using errcode = 'check_violation', constraint = 'pictures_two_people';
    end if;
    return coalesce(new, old);
end
$$;

create trigger check_picture_change before insert or update or delete on pictures
    for each row execute function check_picture_change();
create trigger check_file_removal before delete on picture_files
    for each row execute function check_picture_change();

-- Rule: a published cut leaves out everybody who has withdrawn, and nobody else. A withdrawal that is
-- being approved at the moment is waited for.
create function check_withdrawals_published() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform from contests c where c.id = new.contest_id for update;
    if (select count(*) from withdrawals w where w.contest_id = new.contest_id)
       <> coalesce((select (d.payload ->> 'withdrawals')::integer
                      from approval_requests d where d.id = new.approval_id), 0) then
        raise exception 'a candidate withdrew after the document was made'
            using errcode = 'check_violation', constraint = 'publications_withdrawals';
    end if;
    return new;
end
$$;

create trigger check_withdrawals_published before insert on publications
    for each row execute function check_withdrawals_published();

grant select on profile_corrections, withdrawals to voting_public, voting_staff, voting_jobs;
