-- What the joint office writes down and decides: notes, the fifty, the draw of their numbers,
-- objections, the texts that become public. Whatever the programs do: two people choose exactly as
-- many as were announced, a seed gives numbers only when its source was named before it was known,
-- and nobody reaches the vote while an objection is open.
grant usage on schema office to voting_application;

-- Notes are sealed as well: they tell of persons.
create table office.notes (
    id                integer generated always as identity primary key,
    recommendation_id integer not null references office.recommendations,
    content           bytea not null,
    account_id        integer not null references accounts,
    written_at        timestamptz not null default clock_timestamp()
);
create index notes_recommendation on office.notes (recommendation_id);
create trigger notes_stay before update or delete or truncate on office.notes
    for each statement execute function refuse_change();

-- Written by carry_out_selection_decision alone. Whoever an objection removed stays here, with the
-- decision that did; whoever came instead has the same number.
create table office.picks (
    recommendation_id integer primary key references office.recommendations,
    selection_id      smallint not null references office.selections,
    number            smallint check (number between 1 and 9999),
    decision_id       integer not null references decisions,
    removed_by        integer references decisions
);
create unique index picks_number on office.picks (selection_id, number) where removed_by is null;

-- An objection to a public notice; who objects and what they say is sealed.
create table office.objections (
    id                integer generated always as identity primary key,
    selection_id      smallint not null references office.selections,
    notice            text not null check (notice in ('fifty', 'result')),
    recommendation_id integer references office.recommendations,
    received_on       date not null,
    sender            bytea not null,
    content           bytea not null,
    entered_by        integer not null references accounts,
    entered_at        timestamptz not null default clock_timestamp()
);
create index objections_selection on office.objections (selection_id);
create trigger objections_stay before update or delete or truncate on office.objections
    for each statement execute function refuse_change();

create table office.objection_answers (
    objection_id integer primary key references office.objections,
    verdict      text not null check (verdict in ('dismissed', 'upheld')),
    answer       bytea not null,
    answered_by  integer not null references accounts,
    answered_at  timestamptz not null default clock_timestamp()
);
create trigger objection_answers_stay before update or delete or truncate
    on office.objection_answers for each statement execute function refuse_change();

create function office.check_objection() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    person integer;
begin
    if tg_table_name = 'objections' then
        person := new.entered_by;
        if new.recommendation_id is not null and not exists (
            select 1 from office.picks p
             where p.recommendation_id = new.recommendation_id
               and p.selection_id = new.selection_id) then
            raise exception 'an objection is about somebody who was chosen'
                using errcode = 'check_violation', constraint = 'objections_about_a_pick';
        end if;
    else
        person := new.answered_by;
        if new.verdict = 'upheld' and exists (
            select 1 from office.objections o
             where o.id = new.objection_id and o.recommendation_id is null) then
            raise exception 'only an objection about somebody can be upheld'
                using errcode = 'check_violation', constraint = 'objections_about_a_pick';
        end if;
        if new.verdict = 'upheld' and exists (
            select 1 from office.objections o
             where o.id = new.objection_id and o.entered_by = new.answered_by) then
            raise exception 'nobody upholds an objection that they entered'
                using errcode = 'check_violation', constraint = 'objections_two_people';
        end if;
    end if;
    if not exists (select 1 from accounts a
                    where a.id = person and a.role in ('reviewer', 'supervisor')
                      and not a.disabled) then
        raise exception 'only reviewers and supervisors take and answer objections'
            using errcode = 'check_violation', constraint = 'reviews_reviewers';
    end if;
    return new;
end
$$;
create trigger check_objection before insert on office.objections
    for each row execute function office.check_objection();
create trigger check_objection_answer before insert on office.objection_answers
    for each row execute function office.check_objection();

-- What becomes public of somebody (office/picks/profiles.py), sealed until then.
create table office.profiles (
    recommendation_id integer primary key references office.recommendations,
    content           bytea not null,
    revision          integer not null default 1,
    saved_by          integer not null references accounts,
    saved_at          timestamptz not null default clock_timestamp()
);

-- The last thing handed in for each recommendation.
create view office.last_submissions with (security_invoker = true) as
    select distinct on (s.recommendation_id)
           s.recommendation_id, s.id, s.turn, s.form, s.form_sha256, s.photo_sha256,
           s.evidence_sha256, s.evidence_pages, s.employer_scan_sha256, s.body_scan_sha256,
           s.submitted_by, s.submitted_at, s.late_by_decision
      from office.submissions s
     order by s.recommendation_id, s.turn desc;

create function office.choose(decision decisions, selection office.selections) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    wanted constant integer := coalesce((selection.rules ->> 'picks')::integer, 50);
    chosen constant integer[] := array(
        select value::integer from jsonb_array_elements_text(
            case jsonb_typeof(decision.payload -> 'recommendations')
                 when 'array' then decision.payload -> 'recommendations' else '[]' end));
begin
    if cardinality(chosen) <> wanted
       or (select count(distinct id) from unnest(chosen) as c (id)) <> wanted
       or (select count(*) from office.recommendations r
            where r.id = any (chosen) and r.selection_id = selection.id
              and r.state = 'accepted') <> wanted then
        raise exception 'exactly % accepted recommendations are chosen', wanted
            using errcode = 'check_violation', constraint = 'picks_exact';
    end if;
    if clock_timestamp() < selection.closes_at
       or exists (select 1 from office.recommendations r
                   where r.selection_id = selection.id and r.state = 'submitted') then
        raise exception 'first everything that was submitted in time is reviewed'
            using errcode = 'check_violation', constraint = 'picks_reviewed';
    end if;
    insert into office.picks (recommendation_id, selection_id, decision_id)
    select id, selection.id, decision.id from unnest(chosen) as c (id);
end
$$;

create function office.replace_pick(decision decisions, selection office.selections) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    leaving constant integer := (decision.payload ->> 'remove')::integer;
    coming constant integer := (decision.payload ->> 'add')::integer;
    objection constant integer := split_part(decision.subject, '/', 2)::integer;
    its_number smallint;
begin
    -- Between what decides and the numbers, one form in the place of another moves everybody's.
    if exists (select 1 from decisions d
                where d.selection_id = selection.id and d.kind = 'draw' and d.subject = 'source'
                  and d.approved_by is not null
                  and (d.payload ->> 'known_at')::timestamptz <= clock_timestamp())
       and exists (select 1 from office.picks p
                    where p.selection_id = selection.id and p.removed_by is null
                      and p.number is null) then
        raise exception 'what decides is known: first the numbers are drawn'
            using errcode = 'check_violation', constraint = 'picks_replacement_before_numbers';
    end if;
    update office.picks p
       set removed_by = decision.id
      from office.objections o
      join office.objection_answers a on a.objection_id = o.id and a.verdict = 'upheld'
     where o.id = objection and o.notice = 'fifty' and o.selection_id = selection.id
       and o.recommendation_id = leaving
       and p.recommendation_id = leaving and p.removed_by is null
    returning p.number into its_number;
    if not found or not exists (
        select 1 from office.recommendations r
         where r.id = coming and r.selection_id = selection.id and r.state = 'accepted'
           and not exists (select 1 from office.picks p where p.recommendation_id = r.id)) then
        raise exception 'an upheld objection removes one, and one who was accepted comes instead'
            using errcode = 'check_violation', constraint = 'picks_replacement';
    end if;
    insert into office.picks (recommendation_id, selection_id, number, decision_id)
    values (coming, selection.id, its_number, decision.id);
end
$$;

-- contests/lots.py: lot_order says the same. A number is the place of
-- SHA-256(seed|selection|form's SHA-256) among all of them.
create function office.draw_numbers(decision decisions, selection office.selections) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    known_at timestamptz;
begin
    if not exists (select 1 from office.picks p where p.selection_id = selection.id) then
        raise exception 'numbers are drawn for those who were chosen'
            using errcode = 'check_violation', constraint = 'draw_order';
    end if;
    if decision.subject = 'source' then
        if not coalesce((decision.payload ->> 'known_at')::timestamptz > clock_timestamp(),
                        false) then
            raise exception 'what decides is named before it is known'
                using errcode = 'check_violation', constraint = 'draw_source_ahead';
        end if;
        return;
    end if;
    select (d.payload ->> 'known_at')::timestamptz into known_at
      from decisions d
     where d.selection_id = selection.id and d.kind = 'draw' and d.subject = 'source'
       and d.approved_by is not null;
    if decision.subject <> 'seed' or known_at is null or clock_timestamp() < known_at
       or coalesce(decision.payload ->> 'seed', '') !~ '^(0|[1-9][0-9]{0,63})$' then
        raise exception 'a seed is drawn after its source was named, and after it is known'
            using errcode = 'check_violation', constraint = 'draw_order';
    end if;
    update office.picks p
       set number = drawn.place
      from (select p.recommendation_id,
                   row_number() over (order by encode(sha256(convert_to(
                       (decision.payload ->> 'seed') || '|' || selection.slug || '|'
                       || encode(s.form_sha256, 'hex'), 'UTF8')), 'hex') collate "C") as place
              from office.picks p
              join office.last_submissions s using (recommendation_id)
             where p.selection_id = selection.id and p.removed_by is null) as drawn
     where p.recommendation_id = drawn.recommendation_id;
end
$$;

-- What keeps the chosen from the vote this moment; null when nothing does. Each of them stood in a
-- public notice for as long as was announced.
create function office.hand_over_blocked(selection smallint) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
    notice_slug text;
    period interval;
begin
    select s.slug || '-fifty', make_interval(days => coalesce((s.rules ->> 'notice_days')::int, 5))
      into notice_slug, period
      from office.selections s where s.id = selection;
    if not exists (select 1 from office.picks p
                    where p.selection_id = selection and p.removed_by is null)
       or exists (select 1 from office.picks p
                   where p.selection_id = selection and p.removed_by is null
                     and p.number is null) then
        return 'numbers';
    end if;
    if exists (select 1 from office.objections o
                where o.selection_id = selection and o.notice = 'fifty'
                  and not exists (select 1 from office.objection_answers a
                                   where a.objection_id = o.id)) then
        return 'objections';
    end if;
    if exists (select 1 from office.objections o
                 join office.objection_answers a on a.objection_id = o.id
                 join office.picks p on p.recommendation_id = o.recommendation_id
                where o.selection_id = selection and o.notice = 'fifty'
                  and a.verdict = 'upheld' and p.removed_by is null) then
        return 'replacement';
    end if;
    if exists (select 1 from office.picks p
                where p.selection_id = selection and p.removed_by is null
                  and not exists (
                      select 1 from notices n
                       where n.slug = notice_slug and p.recommendation_id = any (n.keys))) then
        return 'notice';
    end if;
    if exists (select 1 from office.picks p
                where p.selection_id = selection and p.removed_by is null
                  and not exists (
                      select 1 from notices n
                       where n.slug = notice_slug and p.recommendation_id = any (n.keys)
                         and n.objections_until <= clock_timestamp()
                         -- The page and this table each have a clock.
                         and n.objections_until
                             >= greatest(n.published_at, n.visible_from) + period
                                - interval '5 minutes')) then
        return 'period';
    end if;
    return null;
end
$$;

create function office.carry_out_decision() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    selection office.selections;
    blocked text;
begin
    -- One decision of a selection at a time, and none beside a review.
    select * into selection from office.selections where id = new.selection_id for no key update;
    perform 1 from office.recommendations r
      where r.selection_id = selection.id order by r.id for update;
    if exists (select 1 from decisions d
                where d.selection_id = selection.id and d.kind = 'hand_over'
                  and d.approved_by is not null and d.id <> new.id) then
        raise exception 'the chosen were handed over to the vote'
            using errcode = 'check_violation', constraint = 'picks_handed_over';
    end if;
    if new.kind = 'picks' and new.subject = 'fifty' then
        perform office.choose(new, selection);
    elsif new.kind = 'picks' then
        perform office.replace_pick(new, selection);
    elsif new.kind = 'draw' then
        perform office.draw_numbers(new, selection);
    else
        blocked := office.hand_over_blocked(selection.id);
        if blocked is not null then
            raise exception 'the chosen cannot be handed over yet: %', blocked
                using errcode = 'check_violation', constraint = 'hand_over_' || blocked;
        end if;
    end if;
    return null;
end
$$;

create trigger carry_out_selection_decision after update of approved_by on decisions
    for each row when (old.approved_by is null and new.approved_by is not null
                       and new.kind in ('picks', 'draw', 'hand_over'))
    execute function office.carry_out_decision();

-- The contest of a selection is the one that two people handed the chosen over to.
create function office.check_contest() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select 1 from decisions d
                     join contests c on c.slug = d.payload ->> 'contest'
                    where d.selection_id = new.id and d.kind = 'hand_over'
                      and d.approved_by is not null and c.id = new.contest_id)
       and not pg_has_role(session_user, (select relowner from pg_class where oid = tg_relid),
                           'member') then
        raise exception 'two people hand the chosen over to the vote'
            using errcode = 'check_violation', constraint = 'hand_over_two_people';
    end if;
    return new;
end
$$;

create trigger check_contest before update of contest_id on office.selections
    for each row when (new.contest_id is not null)
    execute function office.check_contest();

revoke execute on function office.choose, office.replace_pick, office.draw_numbers from public;
grant select on office.notes, office.picks, office.objections, office.objection_answers,
                office.profiles, office.last_submissions to voting_application;
grant insert (recommendation_id, content, account_id) on office.notes to voting_application;
grant insert (selection_id, notice, recommendation_id, received_on, sender, content, entered_by)
    on office.objections to voting_application;
grant insert (objection_id, verdict, answer, answered_by) on office.objection_answers
    to voting_application;
grant insert (recommendation_id, content, saved_by),
      update (content, revision, saved_by, saved_at) on office.profiles to voting_application;
grant execute on function office.hand_over_blocked(smallint) to voting_application;
