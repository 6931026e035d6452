-- The expert panel: its members, rules, score sheets and awards.
--
-- Scores are secret until a round ends: the services' role may not read what stands on a sheet.
-- Functions with the owner's rights give an expert's own sheet to the bearer of that expert's
-- session token, and all sheets once the round has ended. Of a token only the hash is stored, and a
-- session of an expert can be opened with the password only (staff.sql: open_session).

-- Members of the panel of a selection.
create table nomination.experts (
    account_id   integer primary key references accounts,
    selection_id smallint not null references nomination.selections,
    employer     text not null check (length(employer) between 2 and 60),
    body_id      smallint references nomination.bodies,  -- the body they belong to, if any
    seated_at    timestamptz not null default clock_timestamp()
);

create index experts_selection on nomination.experts (selection_id);

-- Invitations whose account becomes an expert of the selection.
create table nomination.expert_invitations (
    token_hash   bytea primary key references invitations,
    selection_id smallint not null references nomination.selections,
    employer     text not null check (length(employer) between 2 and 60),
    body_id      smallint references nomination.bodies
);

-- Candidates whom an expert does not score, and why: declared by the expert, or noticed because
-- employer or recommending body match. What an expert declared and withdrew stays, and no longer
-- counts.
create table nomination.panel_conflicts (
    id           integer generated always as identity primary key,
    account_id   integer not null references nomination.experts,
    number       smallint not null,
    ground       text not null check (ground in ('declared', 'employer', 'body')),
    reason       bytea check (length(reason) <= 4096),   -- the expert's words, encrypted
    noticed_at   timestamptz not null default clock_timestamp(),
    withdrawn_at timestamptz check (withdrawn_at is null or ground = 'declared')
);

create unique index panel_conflicts_one on nomination.panel_conflicts (account_id, number)
    where withdrawn_at is null;

-- An expert's sheet of one round. Round 1 scores, round 2 revises after the discussion, round 3
-- ranks the tied.
create table nomination.panel_sheets (
    selection_id smallint not null references nomination.selections,
    round        smallint not null check (round between 1 and 3),
    account_id   integer not null references nomination.experts,
    content      jsonb not null,   -- nomination/panel/: by candidate's number the points by
                                   -- criterion, or the rank
    saved_at     timestamptz not null,
    submitted_at timestamptz,      -- null: a draft
    reopened_at  timestamptz,      -- when a submitted sheet last became a draft again
    primary key (selection_id, round, account_id)
);

-- Rounds that are over: every expert submitted, or two people closed it.
create table nomination.panel_rounds (
    selection_id smallint not null references nomination.selections,
    round        smallint not null check (round between 1 and 3),
    ended_at     timestamptz not null,
    approval_id  integer references approval_requests,   -- null: every expert submitted
    primary key (selection_id, round)
);

-- The result that two people approved: winners and nominees, for each version of it.
create table nomination.awards (
    selection_id smallint not null references nomination.selections,
    version      smallint not null check (version >= 1),
    number       smallint not null,
    award        text not null check (award in ('winner', 'nominee')),
    approval_id  integer not null references approval_requests,
    primary key (selection_id, version, number)
);

-- The account made by an expert's invitation becomes a member of the panel.
create function nomination.seat_expert() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into nomination.experts (account_id, selection_id, employer, body_id)
    select new.id, i.selection_id, i.employer, i.body_id
      from nomination.expert_invitations i
     where i.token_hash = new.invitation and new.role = 'expert';
    return null;
end
$$;

create trigger seat_expert after insert on accounts
    for each row execute function nomination.seat_expert();

-- The rules in force: the newest that two people approved.
create function nomination.panel_rules(panel smallint) returns jsonb
language sql stable security definer set search_path = public, pg_temp as $$
    select d.payload from approval_requests d
     where d.selection_id = panel and d.kind = 'panel' and d.subject like 'rules/%'
       and d.approved_by is not null
     order by d.id desc limit 1
$$;

-- The candidates the panel scores: the newest cut that the public sees, in its order.
create function nomination.cut_numbers(panel smallint) returns integer[]
language sql stable security definer set search_path = public, pg_temp as $$
    select coalesce((
        select array(select value::integer
                       from jsonb_array_elements_text(
                           convert_from(p.document, 'UTF8')::jsonb #> '{document,selected}')
                            with ordinality as chosen (value, place)
                      order by place)
          from publications p join nomination.selections s on s.contest_id = p.contest_id
         where s.id = panel and coalesce(p.visible_from, p.published_at) <= clock_timestamp()
         order by p.version desc limit 1), array[]::integer[])
$$;

-- Whether a round is over.
create function nomination.round_ended(panel smallint, round_number integer) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select 1 from nomination.panel_rounds r
                    where r.selection_id = panel and r.round = round_number)
$$;

-- Whether a round has begun: the one before has ended. Round 3 follows round 1 where there is no
-- discussion.
create function nomination.round_begun(panel smallint, round_number integer) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select case round_number
        when 1 then nomination.panel_rules(panel) is not null
        when 2 then nomination.round_ended(panel, 1)
                    and (nomination.panel_rules(panel) ->> 'discussion')::boolean
        else nomination.round_ended(
            panel, case when (nomination.panel_rules(panel) ->> 'discussion')::boolean
                        then 2 else 1 end) end
$$;

-- The expert whose current session this token opens; raises panel_own_session for any other.
create function nomination.session_expert(token text, panel smallint) returns integer
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
    expert integer;
begin
    select e.account_id into expert
      from accounts a
      join nomination.experts e on e.account_id = a.id
     where a.id = session_account(token) and a.role = 'expert' and e.selection_id = panel;
    if expert is null then
        raise exception 'not the session of an expert of this panel'
            using errcode = 'check_violation', constraint = 'panel_own_session';
    end if;
    return expert;
end
$$;

-- The sheet of the expert whose token this is. Rule: while the round lasts, an account that was
-- renewed does not open what was saved before: an invitation is no way to somebody else's scores.
create function nomination.own_sheet(token text, panel smallint, round_number integer) returns jsonb
language sql stable security definer set search_path = public, pg_temp as $$
    select s.content
      from nomination.panel_sheets s
      join accounts a on a.id = s.account_id
     where s.selection_id = panel and s.round = round_number
       and s.account_id = nomination.session_expert(token, panel)
       and (a.renewed_at is null or s.saved_at > a.renewed_at
            or nomination.round_ended(panel, round_number))
$$;

-- Declares a conflict of interest of the expert whose token this is.
create function nomination.declare_conflict(
    token text, panel smallint, candidate integer, why bytea)
returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    expert constant integer := nomination.session_expert(token, panel);
begin
    perform 1 from nomination.selections where id = panel for no key update;
    insert into nomination.panel_conflicts (account_id, number, ground, reason)
    values (expert, candidate, 'declared', why)
    on conflict do nothing;
end
$$;

-- Withdraws a conflict that the expert whose token this is declared. Rule: not once the sheet is
-- submitted, which may lack that candidate's points.
create function nomination.withdraw_conflict(token text, panel smallint, candidate integer)
returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    expert constant integer := nomination.session_expert(token, panel);
begin
    perform 1 from nomination.selections where id = panel for no key update;
    if exists (select 1 from nomination.panel_sheets s
                where s.selection_id = panel and s.round = 1 and s.account_id = expert
                  and s.submitted_at is not null) then
        raise exception 'a submitted sheet does not change'
            using errcode = 'check_violation', constraint = 'panel_submitted';
    end if;
    update nomination.panel_conflicts set withdrawn_at = clock_timestamp()
     where account_id = expert and number = candidate and ground = 'declared'
       and withdrawn_at is null;
    if not found then
        raise exception 'no conflict that this expert declared'
            using errcode = 'check_violation', constraint = 'panel_conflict_declared';
    end if;
end
$$;

-- Rules: only the expert declares or withdraws a conflict (through the functions above, which have
-- the owner's rights), only before round 1 ends, and only about a candidate of the panel. Nothing
-- else of it changes. Runs with the rights of the role that writes.
create function nomination.check_conflict() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
    panel smallint;
begin
    if new.ground = 'declared'
       and not pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid),
                           'member') then
        raise exception 'only the expert declares a conflict'
            using errcode = 'check_violation', constraint = 'panel_own_session';
    end if;
    select selection_id into panel from nomination.experts where account_id = new.account_id;
    if nomination.round_ended(panel, 1) then
        raise exception 'the scores are open: conflicts are declared before that'
            using errcode = 'check_violation', constraint = 'panel_conflict_late';
    end if;
    if tg_op = 'UPDATE' then
        if old.withdrawn_at is not null
           or to_jsonb(new) - 'withdrawn_at' <> to_jsonb(old) - 'withdrawn_at' then
            raise exception 'a conflict is withdrawn once, and not changed'
                using errcode = 'check_violation', constraint = 'records_stay';
        end if;
        return new;
    end if;
    if new.number <> all (nomination.cut_numbers(panel)) then
        raise exception 'not a candidate of this panel'
            using errcode = 'check_violation', constraint = 'panel_candidates';
    end if;
    new.noticed_at := clock_timestamp();
    return new;
end
$$;

create trigger check_conflict before insert or update on nomination.panel_conflicts
    for each row execute function nomination.check_conflict();
create trigger panel_conflicts_stay before delete or truncate
    on nomination.panel_conflicts for each statement execute function refuse_change();

-- The candidates whom an expert scores.
create function nomination.scored_by(expert integer, panel smallint) returns integer[]
language sql stable security definer set search_path = public, pg_temp as $$
    select array(
        select number from unnest(nomination.cut_numbers(panel)) as number
         where not exists (select 1 from nomination.panel_conflicts c
                            where c.account_id = expert and c.number = number.number
                              and c.withdrawn_at is null)
           and not exists (select 1
                             from nomination.shortlist_entries p
                             join nomination.recommendations r on r.id = p.recommendation_id
                             join nomination.experts e on e.body_id = r.body_id
                            where p.selection_id = panel and p.removed_by is null
                              and p.number = number.number and e.account_id = expert))
$$;

-- How many candidates have points for every criterion on a sheet: all that others learn of it.
create function nomination.sheet_progress(panel smallint, round_number integer, expert integer)
returns integer
language sql stable security definer set search_path = public, pg_temp as $$
    select count(*)::integer
      from nomination.panel_sheets s
     cross join lateral jsonb_each(s.content) as entry (number, points)
     where s.selection_id = panel and s.round = round_number and s.account_id = expert
       and entry.number::integer = any (nomination.scored_by(expert, panel))
       and entry.points ?& array(
               select criterion ->> 'key'
                 from jsonb_array_elements(nomination.panel_rules(panel) -> 'criteria') as criterion)
$$;

-- Ends a round when no sheet is missing. An expert absent from round 1 takes no further part. An
-- expert whose account was disabled is still missing: one administrator could otherwise end a
-- round. Two people close it.
create function nomination.end_round_if_all_in(panel smallint, round_number integer) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if (select count(*) from nomination.panel_sheets s
         where s.selection_id = panel and s.round = 1 and s.submitted_at is not null)
       >= (nomination.panel_rules(panel) ->> 'minimum_experts')::integer
       and not exists (
           select 1
             from nomination.experts e
            where e.selection_id = panel
              and (round_number = 1 or exists (
                       select 1 from nomination.panel_sheets f
                        where f.selection_id = panel and f.round = 1
                          and f.account_id = e.account_id and f.submitted_at is not null))
              and not exists (
                       select 1 from nomination.panel_sheets s
                        where s.selection_id = panel and s.round = round_number
                          and s.account_id = e.account_id and s.submitted_at is not null)) then
        insert into nomination.panel_rounds (selection_id, round, ended_at)
        values (panel, round_number, clock_timestamp()) on conflict do nothing;
    end if;
end
$$;

-- Saves a draft, or submits a sheet. Candidates that `entries` leaves out keep the points that the
-- expert may see (own_sheet); the second round begins with those of the first. Rules: within a
-- round, once, only by experts who submitted in round 1, only for candidates without a conflict, and
-- on submission with points for every criterion of each of them. The time is the database's.
create function nomination.save_sheet(
    token text, panel smallint, round_number integer, entries jsonb, submit boolean)
returns timestamptz
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    arrived constant timestamptz := clock_timestamp();
    expert constant integer := nomination.session_expert(token, panel);
    rules jsonb;
    scored integer[];
    whole jsonb := entries;
begin
    -- One at a time: a round cannot end between the check and the insert.
    perform 1 from nomination.selections where id = panel for no key update;
    rules := nomination.panel_rules(panel);
    if not coalesce(nomination.round_begun(panel, round_number), false) then
        raise exception 'this round has not begun'
            using errcode = 'check_violation', constraint = 'panel_round_not_begun';
    end if;
    if nomination.round_ended(panel, round_number) then
        raise exception 'this round is over'
            using errcode = 'check_violation', constraint = 'panel_round_over';
    end if;
    if round_number > 1 and not exists (
        select 1 from nomination.panel_sheets s
         where s.selection_id = panel and s.round = 1 and s.account_id = expert
           and s.submitted_at is not null) then
        raise exception 'an expert absent from round 1 takes no further part'
            using errcode = 'check_violation', constraint = 'panel_absent';
    end if;
    if exists (select 1 from nomination.panel_sheets s
                where s.selection_id = panel and s.round = round_number and s.account_id = expert
                  and s.submitted_at is not null) then
        raise exception 'a submitted sheet does not change'
            using errcode = 'check_violation', constraint = 'panel_submitted';
    end if;
    scored := nomination.scored_by(expert, panel);
    if exists (select 1 from jsonb_object_keys(entries) as key
                where key::integer <> all (scored)) then
        raise exception 'a candidate with a conflict of interest, or not of this panel'
            using errcode = 'check_violation', constraint = 'panel_conflict';
    end if;
    if round_number < 3 then
        whole := coalesce(nomination.own_sheet(token, panel, round_number),
                          nomination.own_sheet(token, panel, round_number - 1), '{}') || entries;
    end if;
    if round_number < 3 and exists (
        select 1
          from unnest(scored) as number
         cross join jsonb_array_elements(rules -> 'criteria') as criterion
         where case when whole -> number::text -> (criterion ->> 'key') is null then submit
                    else (whole -> number::text ->> (criterion ->> 'key'))::numeric
                         not between 0 and (criterion ->> 'max_points')::numeric end) then
        raise exception 'points are missing or out of range'
            using errcode = 'check_violation', constraint = 'panel_points';
    end if;
    insert into nomination.panel_sheets as s
        (selection_id, round, account_id, content, saved_at, submitted_at)
    values (panel, round_number, expert, whole, arrived, case when submit then arrived end)
    on conflict (selection_id, round, account_id) do update
       set content = excluded.content, saved_at = excluded.saved_at,
           submitted_at = excluded.submitted_at;
    if submit then
        perform nomination.end_round_if_all_in(panel, round_number);
    end if;
    return arrived;
end
$$;

-- Whether an account chairs the panel, as its rules in force say.
create function nomination.chairs_panel(account integer, panel smallint) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select coalesce((nomination.panel_rules(panel) ->> 'chair')::integer = account, false)
$$;

-- Makes a submitted sheet a draft of its expert again, whose points stay secret. Rules: only in a
-- session of the joint office or of the chair, and only until the round ends.
create function nomination.reopen_sheet(
    token text, panel smallint, round_number integer, expert integer)
returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select 1 from accounts a
                    where a.id = session_account(token)
                      and (a.role in ('reviewer', 'supervisor')
                           or nomination.chairs_panel(a.id, panel))) then
        raise exception 'not the session of the joint office or of the chair'
            using errcode = 'check_violation', constraint = 'panel_reopeners';
    end if;
    perform 1 from nomination.selections where id = panel for no key update;
    if nomination.round_ended(panel, round_number) then
        raise exception 'this round is over'
            using errcode = 'check_violation', constraint = 'panel_round_over';
    end if;
    update nomination.panel_sheets set submitted_at = null, reopened_at = clock_timestamp()
     where selection_id = panel and round = round_number and account_id = expert
       and submitted_at is not null;
    if not found then
        raise exception 'no submitted sheet of this expert'
            using errcode = 'check_violation', constraint = 'panel_not_submitted';
    end if;
end
$$;

-- All submitted sheets of a round. Rule: only once it has ended.
create function nomination.read_sheets(panel smallint, round_number integer)
returns table (account_id integer, content jsonb)
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    if not nomination.round_ended(panel, round_number) then
        raise exception 'scores are secret until the round ends'
            using errcode = 'check_violation', constraint = 'panel_scores_secret';
    end if;
    return query
        select s.account_id, s.content from nomination.panel_sheets s
         where s.selection_id = panel and s.round = round_number and s.submitted_at is not null
         order by s.account_id;
end
$$;

-- Writes the approved awards. Rule: exactly as many winners and nominees as the selection
-- announced, each once, from the cut, after the panel has finished.
create function nomination.name_winners(request approval_requests) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    selection nomination.selections;
    winners constant integer[] := array(
        select value::integer from jsonb_array_elements_text(request.payload -> 'winners'));
    nominees constant integer[] := array(
        select value::integer from jsonb_array_elements_text(request.payload -> 'nominees'));
begin
    select * into selection from nomination.selections where id = request.selection_id;
    if not nomination.round_begun(selection.id, 3) then
        raise exception 'the panel has not finished'
            using errcode = 'check_violation', constraint = 'awards_before_scores';
    end if;
    if cardinality(winners) <> (selection.rules ->> 'winners')::integer
       or cardinality(nominees) <> (selection.rules ->> 'nominees')::integer
       or (select count(distinct number) from unnest(winners || nominees) as number)
          <> cardinality(winners || nominees)
       or not (winners || nominees) <@ nomination.cut_numbers(selection.id) then
        raise exception 'a result names the announced number of winners and nominees of the cut'
            using errcode = 'check_violation', constraint = 'awards_exactly';
    end if;
    insert into nomination.awards (selection_id, version, number, award, approval_id)
    select selection.id, request.subject::smallint, number, 'winner', request.id
      from unnest(winners) as number
    union all
    select selection.id, request.subject::smallint, number, 'nominee', request.id
      from unnest(nominees) as number;
end
$$;

-- Carries out an approved proposal about the panel. Rules: its rules are fixed with the first sheet
-- and complete; a round is closed early only once enough experts have submitted.
create function nomination.carry_out_panel() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    round_number integer;
begin
    perform 1 from nomination.selections where id = new.selection_id for no key update;
    if new.kind = 'result' then
        perform nomination.name_winners(new);
    elsif new.subject like 'rules/%' then
        if exists (select 1 from nomination.panel_sheets where selection_id = new.selection_id) then
            raise exception 'scoring has begun: the rules are fixed'
                using errcode = 'check_violation', constraint = 'panel_rules_fixed';
        end if;
        if coalesce(jsonb_array_length(new.payload -> 'criteria'), 0) = 0
           or coalesce((new.payload ->> 'minimum_experts')::integer, 0) < 1
           or (new.payload ->> 'discussion')::boolean is null then
            raise exception 'the rules lack criteria, a minimum of experts, or the discussion'
                using errcode = 'check_violation', constraint = 'panel_rules_whole';
        end if;
        if new.payload ->> 'chair' is not null and not exists (
            select 1 from nomination.experts e
             where e.selection_id = new.selection_id
               and e.account_id = (new.payload ->> 'chair')::integer) then
            raise exception 'the chair is one of the experts'
                using errcode = 'check_violation', constraint = 'panel_chair';
        end if;
    else
        round_number := split_part(new.subject, '/', 2)::integer;
        if new.subject not like 'close/%' or not coalesce(
               nomination.round_begun(new.selection_id, round_number), false) then
            raise exception 'this round has not begun'
                using errcode = 'check_violation', constraint = 'panel_round_not_begun';
        end if;
        if (select count(*) from nomination.panel_sheets s
             where s.selection_id = new.selection_id and s.round = 1
               and s.submitted_at is not null)
           < (nomination.panel_rules(new.selection_id) ->> 'minimum_experts')::integer then
            raise exception 'fewer experts submitted than the rules require'
                using errcode = 'check_violation', constraint = 'panel_minimum';
        end if;
        if nomination.round_ended(new.selection_id, round_number) then
            raise exception 'this round is over'
                using errcode = 'check_violation', constraint = 'panel_round_over';
        end if;
        insert into nomination.panel_rounds (selection_id, round, ended_at, approval_id)
        values (new.selection_id, round_number, clock_timestamp(), new.id);
    end if;
    return null;
end
$$;

create trigger carry_out_panel after update of approved_by on approval_requests
    for each row when (new.approved_by is not null and old.approved_by is null
                       and new.kind in ('panel', 'result'))
    execute function nomination.carry_out_panel();
create trigger panel_rounds_stay before update or delete or truncate on nomination.panel_rounds
    for each statement execute function refuse_change();
create trigger awards_stay before update or delete or truncate on nomination.awards
    for each statement execute function refuse_change();

-- Winners become earlier winners, for the selections to come. A correction that leaves somebody out
-- removes that person again.
create function nomination.remember_winners() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    newest record;
begin
    select a.selection_id, max(a.version) as version into newest
      from nomination.awards a
     where a.selection_id = (select n.selection_id from arrived n limit 1)
     group by a.selection_id;
    delete from nomination.earlier_winners w where w.selection_id = newest.selection_id;
    insert into nomination.earlier_winners (person_hash, year, selection_id)
    select r.person_hash, coalesce(nullif((s.rules ->> 'year')::integer, 0), extract(year from s.closes_at)), s.id
      from nomination.awards a
      join nomination.selections s on s.id = a.selection_id
      join nomination.shortlist_entries p on p.selection_id = a.selection_id and p.number = a.number
                         and p.removed_by is null
      join nomination.recommendations r on r.id = p.recommendation_id
     where a.selection_id = newest.selection_id and a.version = newest.version
       and a.award = 'winner' and r.person_hash is not null
    on conflict (person_hash) do nothing;
    return null;
end
$$;

create trigger remember_winners after insert on nomination.awards
    referencing new table as arrived
    for each statement execute function nomination.remember_winners();

grant select on nomination.experts, nomination.expert_invitations, nomination.panel_conflicts,
    nomination.panel_rounds, nomination.awards to voting_staff;
grant select on nomination.experts, nomination.panel_conflicts, nomination.panel_rounds
    to voting_jobs;
grant select (selection_id, round, account_id, saved_at, submitted_at, reopened_at)
    on nomination.panel_sheets to voting_staff, voting_jobs;
grant insert on nomination.expert_invitations to voting_staff;
grant insert (account_id, number, ground) on nomination.panel_conflicts to voting_staff;
grant execute on function nomination.own_sheet(text, smallint, integer),
    nomination.save_sheet(text, smallint, integer, jsonb, boolean),
    nomination.declare_conflict(text, smallint, integer, bytea),
    nomination.withdraw_conflict(text, smallint, integer),
    nomination.reopen_sheet(text, smallint, integer, integer),
    nomination.chairs_panel(integer, smallint),
    nomination.cut_numbers(smallint) to voting_staff;
grant execute on function nomination.read_sheets(smallint, integer),
    nomination.round_ended(smallint, integer),
    nomination.sheet_progress(smallint, integer, integer) to voting_staff, voting_jobs;
