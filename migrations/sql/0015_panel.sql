-- The expert panel: who judges, by which rules, what they say, and when it may be read.
--
-- Scores are sealed by the rights of the application's role: it may not read what stands on a
-- sheet. Functions of the owner give an expert's own sheet to whoever holds the token of that
-- expert's session, of which only the hash is stored, and every sheet once the round has ended.
create table office.experts (
    account_id   integer primary key references accounts,
    selection_id smallint not null references office.selections,
    employer     text not null check (length(employer) between 2 and 60),
    body_id      smallint references office.bodies,
    seated_at    timestamptz not null default clock_timestamp()
);

create index experts_selection on office.experts (selection_id);

-- An account made by such an invitation is an expert of the selection.
create table office.expert_invitations (
    token_hash   bytea primary key references invitations,
    selection_id smallint not null references office.selections,
    employer     text not null check (length(employer) between 2 and 60),
    body_id      smallint references office.bodies
);

create function office.seat_expert() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into office.experts (account_id, selection_id, employer, body_id)
    select new.id, i.selection_id, i.employer, i.body_id
      from office.expert_invitations i
     where i.token_hash = new.invitation and new.role = 'expert';
    return null;
end
$$;

create trigger seat_expert after insert on accounts
    for each row execute function office.seat_expert();

-- Whom an expert does not judge, and why: declared, or noticed because employer or body match.
create table office.panel_conflicts (
    account_id integer not null references office.experts,
    number     smallint not null,
    ground     text not null check (ground in ('declared', 'employer', 'body')),
    reason     text not null default '' check (length(reason) <= 200),
    noticed_at timestamptz not null default clock_timestamp(),
    primary key (account_id, number)
);

create trigger panel_conflicts_stay before update or delete or truncate on office.panel_conflicts
    for each statement execute function refuse_change();

-- Round 1 scores, round 2 revises after the discussion, round 3 is the ballot of ties. `content`
-- is office/panel/sheets.py: by candidate's number the points by criterion, or the rank.
create table office.panel_sheets (
    selection_id smallint not null references office.selections,
    round        smallint not null check (round between 1 and 3),
    account_id   integer not null references office.experts,
    content      jsonb not null,
    saved_at     timestamptz not null,
    submitted_at timestamptz,
    primary key (selection_id, round, account_id)
);

-- A round that is over: everybody handed in, or two people closed it.
create table office.panel_rounds (
    selection_id smallint not null references office.selections,
    round        smallint not null check (round between 1 and 3),
    ended_at     timestamptz not null,
    decision_id  integer references decisions,
    primary key (selection_id, round)
);

create trigger panel_rounds_stay before update or delete or truncate on office.panel_rounds
    for each statement execute function refuse_change();

create table office.awards (
    selection_id smallint not null references office.selections,
    version      smallint not null check (version >= 1),
    number       smallint not null,
    award        text not null check (award in ('winner', 'nominee')),
    decision_id  integer not null references decisions,
    primary key (selection_id, version, number)
);

create trigger awards_stay before update or delete or truncate on office.awards
    for each statement execute function refuse_change();

-- The rules in force: the newest that two people approved.
create function office.panel_rules(panel smallint) returns jsonb
language sql stable security definer set search_path = public, pg_temp as $$
    select d.payload from decisions d
     where d.selection_id = panel and d.kind = 'panel' and d.subject like 'rules/%'
       and d.approved_by is not null
     order by d.id desc limit 1
$$;

-- Whom the panel judges: the newest cut that the public sees, in its order.
create function office.cut_numbers(panel smallint) returns integer[]
language sql stable security definer set search_path = public, pg_temp as $$
    select coalesce((
        select array(select value::integer
                       from jsonb_array_elements_text(
                           convert_from(p.document, 'UTF8')::jsonb #> '{document,selected}')
                            with ordinality as chosen (value, place)
                      order by place)
          from publications p join office.selections s on s.contest_id = p.contest_id
         where s.id = panel and coalesce(p.visible_from, p.published_at) <= clock_timestamp()
         order by p.version desc limit 1), array[]::integer[])
$$;

create function office.round_ended(panel smallint, asked integer) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select 1 from office.panel_rounds r
                    where r.selection_id = panel and r.round = asked)
$$;

-- A round begins when the one before has ended; without a discussion round 3 follows round 1.
create function office.round_begun(panel smallint, asked integer) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select case asked
        when 1 then office.panel_rules(panel) is not null
        when 2 then office.round_ended(panel, 1)
                    and (office.panel_rules(panel) ->> 'discussion')::boolean
        else office.round_ended(
            panel, case when (office.panel_rules(panel) ->> 'discussion')::boolean
                        then 2 else 1 end) end
$$;

-- Whose living session it is, of this panel; the token is proof, for only its hash is stored. The
-- limits are those of accounts/sessions.py: 30 minutes idle, 10 hours in all.
create function office.expert_of(token text, panel smallint) returns integer
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
    found_one integer;
begin
    select e.account_id into found_one
      from staff_sessions s
      join accounts a on a.id = s.account_id
      join office.experts e on e.account_id = a.id
     where s.token_hash = sha256(convert_to(token, 'UTF8')) and s.ended_at is null
       and clock_timestamp() < s.last_seen_at + interval '30 minutes'
       and clock_timestamp() < s.opened_at + interval '10 hours'
       and a.role = 'expert' and not a.disabled and e.selection_id = panel;
    if found_one is null then
        raise exception 'not the session of an expert of this panel'
            using errcode = 'check_violation', constraint = 'panel_own_session';
    end if;
    return found_one;
end
$$;

create function office.own_sheet(token text, panel smallint, asked integer) returns jsonb
language sql stable security definer set search_path = public, pg_temp as $$
    select s.content from office.panel_sheets s
     where s.selection_id = panel and s.round = asked
       and s.account_id = office.expert_of(token, panel)
$$;

create function office.declare_conflict(token text, panel smallint, candidate integer, why text)
returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    expert constant integer := office.expert_of(token, panel);
begin
    perform 1 from office.selections where id = panel for no key update;
    insert into office.panel_conflicts (account_id, number, ground, reason)
    values (expert, candidate, 'declared', why)
    on conflict do nothing;
end
$$;

-- With the rights of whoever inserts: what experts declare comes through the function above, whose
-- rights are the owner's, and never from a program in an expert's name.
create function office.check_conflict() returns trigger
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
    select selection_id into panel from office.experts where account_id = new.account_id;
    if office.round_ended(panel, 1) then
        raise exception 'what was scored is open: conflicts were to be named before'
            using errcode = 'check_violation', constraint = 'panel_conflict_late';
    end if;
    if new.number <> all (office.cut_numbers(panel)) then
        raise exception 'not a candidate of this panel'
            using errcode = 'check_violation', constraint = 'panel_candidates';
    end if;
    new.noticed_at := clock_timestamp();
    return new;
end
$$;

create trigger check_conflict before insert on office.panel_conflicts
    for each row execute function office.check_conflict();

-- Whether nobody is missing in a round. Whoever was absent in the first takes no further part.
create function office.end_round_if_all_in(panel smallint, asked integer) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if (select count(*) from office.panel_sheets s
         where s.selection_id = panel and s.round = 1 and s.submitted_at is not null)
       >= (office.panel_rules(panel) ->> 'minimum_experts')::integer
       and not exists (
           select 1
             from office.experts e
             join accounts a on a.id = e.account_id and not a.disabled
            where e.selection_id = panel
              and (asked = 1 or exists (
                       select 1 from office.panel_sheets f
                        where f.selection_id = panel and f.round = 1
                          and f.account_id = e.account_id and f.submitted_at is not null))
              and not exists (
                       select 1 from office.panel_sheets s
                        where s.selection_id = panel and s.round = asked
                          and s.account_id = e.account_id and s.submitted_at is not null)) then
        insert into office.panel_rounds (selection_id, round, ended_at)
        values (panel, asked, clock_timestamp()) on conflict do nothing;
    end if;
end
$$;

-- Saves a draft, or hands a sheet in: then every candidate but those in conflict has every
-- criterion's points. The moment is the database's.
create function office.save_sheet(
    token text, panel smallint, asked integer, entries jsonb, hand_in boolean)
returns timestamptz
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    arrived constant timestamptz := clock_timestamp();
    expert constant integer := office.expert_of(token, panel);
    rules jsonb;
    judged integer[];
begin
    -- One at a time: a round cannot end between the check and the insert.
    perform 1 from office.selections where id = panel for no key update;
    rules := office.panel_rules(panel);
    if not coalesce(office.round_begun(panel, asked), false) then
        raise exception 'this round has not begun'
            using errcode = 'check_violation', constraint = 'panel_round_not_begun';
    end if;
    if office.round_ended(panel, asked) then
        raise exception 'this round is over'
            using errcode = 'check_violation', constraint = 'panel_round_over';
    end if;
    if asked > 1 and not exists (
        select 1 from office.panel_sheets s
         where s.selection_id = panel and s.round = 1 and s.account_id = expert
           and s.submitted_at is not null) then
        raise exception 'whoever was absent takes no further part'
            using errcode = 'check_violation', constraint = 'panel_absent';
    end if;
    if exists (select 1 from office.panel_sheets s
                where s.selection_id = panel and s.round = asked and s.account_id = expert
                  and s.submitted_at is not null) then
        raise exception 'what was handed in stays'
            using errcode = 'check_violation', constraint = 'panel_submitted';
    end if;
    judged := array(
        select number from unnest(office.cut_numbers(panel)) as number
         where not exists (select 1 from office.panel_conflicts c
                            where c.account_id = expert and c.number = number.number)
           and not exists (select 1
                             from office.picks p
                             join office.recommendations r on r.id = p.recommendation_id
                             join office.experts e on e.body_id = r.body_id
                            where p.selection_id = panel and p.removed_by is null
                              and p.number = number.number and e.account_id = expert));
    if exists (select 1 from jsonb_object_keys(entries) as key
                where key::integer <> all (judged)) then
        raise exception 'a candidate in conflict of interest, or none of this panel'
            using errcode = 'check_violation', constraint = 'panel_conflict';
    end if;
    if asked < 3 and exists (
        select 1
          from unnest(judged) as number
         cross join jsonb_array_elements(rules -> 'criteria') as criterion
         where case when entries -> number::text -> (criterion ->> 'key') is null then hand_in
                    else (entries -> number::text ->> (criterion ->> 'key'))::numeric
                         not between 0 and (criterion ->> 'max_points')::numeric end) then
        raise exception 'points are missing, or outside their bounds'
            using errcode = 'check_violation', constraint = 'panel_points';
    end if;
    insert into office.panel_sheets as s
        (selection_id, round, account_id, content, saved_at, submitted_at)
    values (panel, asked, expert, entries, arrived, case when hand_in then arrived end)
    on conflict (selection_id, round, account_id) do update
       set content = excluded.content, saved_at = excluded.saved_at,
           submitted_at = excluded.submitted_at;
    if hand_in then
        perform office.end_round_if_all_in(panel, asked);
    end if;
    return arrived;
end
$$;

-- What everybody said, once the round has ended; drafts never.
create function office.read_sheets(panel smallint, asked integer)
returns table (account_id integer, content jsonb)
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    if not office.round_ended(panel, asked) then
        raise exception 'scores are sealed until everybody handed in, or two people closed'
            using errcode = 'check_violation', constraint = 'panel_sealed';
    end if;
    return query
        select s.account_id, s.content from office.panel_sheets s
         where s.selection_id = panel and s.round = asked and s.submitted_at is not null
         order by s.account_id;
end
$$;

create function office.name_winners(decision decisions) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    selection office.selections;
    winners constant integer[] := array(
        select value::integer from jsonb_array_elements_text(decision.payload -> 'winners'));
    nominees constant integer[] := array(
        select value::integer from jsonb_array_elements_text(decision.payload -> 'nominees'));
begin
    select * into selection from office.selections where id = decision.selection_id;
    if not office.round_begun(selection.id, 3) then
        raise exception 'the panel has not finished'
            using errcode = 'check_violation', constraint = 'awards_before_scores';
    end if;
    if cardinality(winners) <> coalesce((selection.rules ->> 'winners')::integer, 10)
       or cardinality(nominees) <> coalesce((selection.rules ->> 'nominees')::integer, 10)
       or (select count(distinct number) from unnest(winners || nominees) as number)
          <> cardinality(winners || nominees)
       or not (winners || nominees) <@ office.cut_numbers(selection.id) then
        raise exception 'a result names exactly the winners and nominees, each once, from the cut'
            using errcode = 'check_violation', constraint = 'awards_exactly';
    end if;
    insert into office.awards (selection_id, version, number, award, decision_id)
    select selection.id, decision.subject::smallint, number, 'winner', decision.id
      from unnest(winners) as number
    union all
    select selection.id, decision.subject::smallint, number, 'nominee', decision.id
      from unnest(nominees) as number;
end
$$;

create function office.carry_out_panel() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    asked integer;
begin
    perform 1 from office.selections where id = new.selection_id for no key update;
    if new.kind = 'result' then
        perform office.name_winners(new);
    elsif new.subject like 'rules/%' then
        if exists (select 1 from office.panel_sheets where selection_id = new.selection_id) then
            raise exception 'scoring has begun: its rules stay'
                using errcode = 'check_violation', constraint = 'panel_rules_fixed';
        end if;
        if coalesce(jsonb_array_length(new.payload -> 'criteria'), 0) = 0
           or coalesce((new.payload ->> 'minimum_experts')::integer, 0) < 1
           or (new.payload ->> 'discussion')::boolean is null then
            raise exception 'rules name criteria, a minimum of experts, and whether they discuss'
                using errcode = 'check_violation', constraint = 'panel_rules_whole';
        end if;
    else
        asked := split_part(new.subject, '/', 2)::integer;
        if new.subject not like 'close/%' or not coalesce(
               office.round_begun(new.selection_id, asked), false) then
            raise exception 'this round has not begun'
                using errcode = 'check_violation', constraint = 'panel_round_not_begun';
        end if;
        if (select count(*) from office.panel_sheets s
             where s.selection_id = new.selection_id and s.round = 1
               and s.submitted_at is not null)
           < (office.panel_rules(new.selection_id) ->> 'minimum_experts')::integer then
            raise exception 'fewer experts handed in than the rules ask for'
                using errcode = 'check_violation', constraint = 'panel_minimum';
        end if;
        if office.round_ended(new.selection_id, asked) then
            raise exception 'this round is over'
                using errcode = 'check_violation', constraint = 'panel_round_over';
        end if;
        insert into office.panel_rounds (selection_id, round, ended_at, decision_id)
        values (new.selection_id, asked, clock_timestamp(), new.id);
    end if;
    return null;
end
$$;

create trigger carry_out_panel after update of approved_by on decisions
    for each row when (new.approved_by is not null and old.approved_by is null
                       and new.kind in ('panel', 'result'))
    execute function office.carry_out_panel();

grant execute on function office.own_sheet(text, smallint, integer),
    office.save_sheet(text, smallint, integer, jsonb, boolean),
    office.declare_conflict(text, smallint, integer, text),
    office.read_sheets(smallint, integer), office.round_ended(smallint, integer),
    office.cut_numbers(smallint) to voting_application;
grant select on office.experts, office.expert_invitations, office.panel_conflicts,
    office.panel_rounds, office.awards to voting_application;
grant select (selection_id, round, account_id, saved_at, submitted_at) on office.panel_sheets
    to voting_application;
grant insert on office.expert_invitations to voting_application;
grant insert (account_id, number, ground) on office.panel_conflicts to voting_application;
