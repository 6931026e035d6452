-- The shortlist: the recommendations that two people chose, the draw of their numbers, objections
-- to the public notice, the profiles that become public, and the publication to the contest.

-- The people on the shortlist. Only an approved proposal writes here (carry_out_shortlist). Someone
-- removed by an objection stays, with the approval that removed them; the replacement gets the same
-- number.
create table nomination.shortlist_entries (
    recommendation_id integer primary key references nomination.recommendations,
    selection_id      smallint not null references nomination.selections,
    number            smallint check (number between 1 and 9999),  -- null until it is drawn
    approval_id       integer not null references approval_requests,
    removed_by        integer references approval_requests
);

create unique index shortlist_entries_number on nomination.shortlist_entries
    (selection_id, number) where removed_by is null;

-- The draft of the shortlist: a row for each tick that was ever set, with who changed it last. It
-- decides nothing; a proposal names its people itself.
create table nomination.shortlist_draft (
    recommendation_id integer primary key references nomination.recommendations,
    is_chosen         boolean not null,
    changed_by        integer not null references accounts,
    changed_at        timestamptz not null default clock_timestamp()
);

-- Objections to a public notice, of the shortlist or of the result.
create table nomination.objections (
    id                integer generated always as identity primary key,
    selection_id      smallint not null references nomination.selections,
    notice            text not null check (notice in ('shortlist', 'result')),
    recommendation_id integer references nomination.recommendations,  -- null: about no person
    received_on       date not null,
    sender            bytea not null,      -- encrypted
    content           bytea not null,      -- encrypted
    entered_by        integer not null references accounts,
    entered_at        timestamptz not null default clock_timestamp()
);

create index objections_selection on nomination.objections (selection_id);

-- The answer to an objection, one each.
create table nomination.objection_answers (
    objection_id integer primary key references nomination.objections,
    verdict      text not null check (verdict in ('dismissed', 'upheld')),
    answer       bytea not null,           -- encrypted
    answered_by  integer not null references accounts,
    answered_at  timestamptz not null default clock_timestamp()
);

-- What becomes public about a person (nomination/shortlist/profiles.py), encrypted until then.
create table nomination.profiles (
    recommendation_id integer primary key references nomination.recommendations,
    content           bytea not null,
    revision          integer not null default 1,
    saved_by          integer not null references accounts,
    saved_at          timestamptz not null default clock_timestamp()
);

-- Rules: objections are about people on the shortlist; only those about a person are upheld, and
-- not by the account that entered them; reviewers and supervisors enter and answer them.
create function nomination.check_objection() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    account integer;
begin
    if tg_table_name = 'objections' then
        account := new.entered_by;
        if new.recommendation_id is not null and not exists (
            select 1 from nomination.shortlist_entries p
             where p.recommendation_id = new.recommendation_id
               and p.selection_id = new.selection_id) then
            raise exception 'an objection is about a person on the shortlist'
                using errcode = 'check_violation', constraint = 'objections_about_shortlist';
        end if;
    else
        account := new.answered_by;
        if new.verdict = 'upheld' and exists (
            select 1 from nomination.objections o
             where o.id = new.objection_id and o.recommendation_id is null) then
            raise exception 'only an objection about a person can be upheld'
                using errcode = 'check_violation', constraint = 'objections_about_shortlist';
        end if;
        if new.verdict = 'upheld' and exists (
            select 1 from nomination.objections o
             where o.id = new.objection_id and o.entered_by = new.answered_by) then
            raise exception 'the account that entered an objection cannot uphold it'
                using errcode = 'check_violation', constraint = 'objections_two_people';
        end if;
    end if;
    if not exists (select 1 from accounts a
                    where a.id = account and a.role in ('reviewer', 'supervisor')
                      and not a.disabled) then
        raise exception 'only reviewers and supervisors enter and answer objections'
            using errcode = 'check_violation', constraint = 'reviews_reviewers';
    end if;
    return new;
end
$$;

create trigger check_objection before insert on nomination.objections
    for each row execute function nomination.check_objection();
create trigger check_objection_answer before insert on nomination.objection_answers
    for each row execute function nomination.check_objection();
create trigger objections_stay before update or delete or truncate on nomination.objections
    for each statement execute function refuse_change();
create trigger objection_answers_stay before update or delete or truncate
    on nomination.objection_answers for each statement execute function refuse_change();

-- Rules: the shortlist has exactly as many people as the selection announced, all accepted, and is
-- chosen after the deadline when every submission has been reviewed.
create function nomination.choose_shortlist(
    request approval_requests, selection nomination.selections) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    size constant integer := (selection.rules ->> 'shortlist_size')::integer;
    chosen constant integer[] := array(
        select value::integer from jsonb_array_elements_text(
            case jsonb_typeof(request.payload -> 'recommendations')
                 when 'array' then request.payload -> 'recommendations' else '[]' end));
begin
    if cardinality(chosen) <> size
       or (select count(distinct id) from unnest(chosen) as c (id)) <> size
       or (select count(*) from nomination.recommendations r
            where r.id = any (chosen) and r.selection_id = selection.id
              and r.state = 'accepted') <> size then
        raise exception 'the shortlist has exactly % accepted recommendations', size
            using errcode = 'check_violation', constraint = 'shortlist_exact';
    end if;
    if clock_timestamp() < selection.closes_at
       or exists (select 1 from nomination.recommendations r
                   where r.selection_id = selection.id and r.state = 'submitted') then
        raise exception 'the deadline has not passed, or a submission is not reviewed'
            using errcode = 'check_violation', constraint = 'shortlist_reviewed';
    end if;
    insert into nomination.shortlist_entries (recommendation_id, selection_id, approval_id)
    select id, selection.id, request.id from unnest(chosen) as c (id);
end
$$;

-- Rules: an upheld objection to the notice removes one person, and an accepted one takes the place;
-- not between the moment the draw's source is known and the draw.
create function nomination.replace_shortlist_entry(
    request approval_requests, selection nomination.selections) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    removed constant integer := (request.payload ->> 'remove')::integer;
    added constant integer := (request.payload ->> 'add')::integer;
    objection constant integer := split_part(request.subject, '/', 2)::integer;
    removed_number smallint;
begin
    -- Once the seed is known and until the draw, replacing one form would change every number.
    if exists (select 1 from approval_requests d
                where d.selection_id = selection.id and d.kind = 'draw' and d.subject = 'source'
                  and d.approved_by is not null
                  and (d.payload ->> 'known_at')::timestamptz <= clock_timestamp())
       and exists (select 1 from nomination.shortlist_entries p
                    where p.selection_id = selection.id and p.removed_by is null
                      and p.number is null) then
        raise exception 'the seed is known: draw the numbers first'
            using errcode = 'check_violation', constraint = 'shortlist_replacement_before_numbers';
    end if;
    update nomination.shortlist_entries p
       set removed_by = request.id
      from nomination.objections o
      join nomination.objection_answers a on a.objection_id = o.id and a.verdict = 'upheld'
     where o.id = objection and o.notice = 'shortlist' and o.selection_id = selection.id
       and o.recommendation_id = removed
       and p.recommendation_id = removed and p.removed_by is null
    returning p.number into removed_number;
    if not found or not exists (
        select 1 from nomination.recommendations r
         where r.id = added and r.selection_id = selection.id and r.state = 'accepted'
           and not exists (select 1 from nomination.shortlist_entries p
                            where p.recommendation_id = r.id)) then
        raise exception 'an upheld objection removes one person and an accepted one takes the place'
            using errcode = 'check_violation', constraint = 'shortlist_replacement';
    end if;
    insert into nomination.shortlist_entries (recommendation_id, selection_id, number, approval_id)
    values (added, selection.id, removed_number, request.id);
end
$$;

-- Rules: the source of the seed is named before it is known, and the seed is drawn after. A number
-- is the place of SHA-256(seed|selection|SHA-256 of the form) among the whole shortlist;
-- infrastructure/crypto/public_draw.py: lot_order computes the same.
create function nomination.draw_numbers(
    request approval_requests, selection nomination.selections) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    known_at timestamptz;
begin
    if not exists (select 1 from nomination.shortlist_entries p
                    where p.selection_id = selection.id) then
        raise exception 'numbers are drawn for a shortlist'
            using errcode = 'check_violation', constraint = 'draw_order';
    end if;
    if request.subject = 'source' then
        if not coalesce((request.payload ->> 'known_at')::timestamptz > clock_timestamp(),
                        false) then
            raise exception 'the source of the seed is named before the seed is known'
                using errcode = 'check_violation', constraint = 'draw_source_ahead';
        end if;
        return;
    end if;
    select (d.payload ->> 'known_at')::timestamptz into known_at
      from approval_requests d
     where d.selection_id = selection.id and d.kind = 'draw' and d.subject = 'source'
       and d.approved_by is not null;
    if request.subject <> 'seed' or known_at is null or clock_timestamp() < known_at
       or coalesce(request.payload ->> 'seed', '') !~ '^(0|[1-9][0-9]{0,63})$' then
        raise exception 'the seed comes from the named source, after it is known'
            using errcode = 'check_violation', constraint = 'draw_order';
    end if;
    update nomination.shortlist_entries p
       set number = drawn.place
      from (select p.recommendation_id,
                   row_number() over (order by encode(sha256(convert_to(
                       (request.payload ->> 'seed') || '|' || selection.slug || '|'
                       || encode(s.form_sha256, 'hex'), 'UTF8')), 'hex') collate "C") as place
              from nomination.shortlist_entries p
              join nomination.last_submissions s using (recommendation_id)
             where p.selection_id = selection.id and p.removed_by is null) as drawn
     where p.recommendation_id = drawn.recommendation_id;
end
$$;

-- Why the shortlist cannot be published to the contest at this moment; null if it can. Each person
-- must have stood in a public notice for as long as was announced.
create function nomination.contest_publication_blocker(selection smallint) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
    notice_slug text;
    period interval;
begin
    select s.slug || '-shortlist',
           make_interval(days => (s.rules ->> 'notice_days')::int)
      into notice_slug, period
      from nomination.selections s where s.id = selection;
    if not exists (select 1 from nomination.shortlist_entries p
                    where p.selection_id = selection and p.removed_by is null)
       or exists (select 1 from nomination.shortlist_entries p
                   where p.selection_id = selection and p.removed_by is null
                     and p.number is null) then
        return 'numbers';
    end if;
    if exists (select 1 from nomination.objections o
                where o.selection_id = selection and o.notice = 'shortlist'
                  and not exists (select 1 from nomination.objection_answers a
                                   where a.objection_id = o.id)) then
        return 'objections';
    end if;
    if exists (select 1 from nomination.objections o
                 join nomination.objection_answers a on a.objection_id = o.id
                 join nomination.shortlist_entries p on p.recommendation_id = o.recommendation_id
                where o.selection_id = selection and o.notice = 'shortlist'
                  and a.verdict = 'upheld' and p.removed_by is null) then
        return 'replacement';
    end if;
    if exists (select 1 from nomination.shortlist_entries p
                where p.selection_id = selection and p.removed_by is null
                  and not exists (
                      select 1 from notices n
                       where n.slug = notice_slug and p.recommendation_id = any (n.keys))) then
        return 'notice';
    end if;
    if exists (select 1 from nomination.shortlist_entries p
                where p.selection_id = selection and p.removed_by is null
                  and not exists (
                      select 1 from notices n
                       where n.slug = notice_slug and p.recommendation_id = any (n.keys)
                         and n.objections_until <= clock_timestamp()
                         -- The clocks of the services and the database differ.
                         and n.objections_until
                             >= greatest(n.published_at, n.visible_from) + period
                                - interval '5 minutes')) then
        return 'period';
    end if;
    return null;
end
$$;

-- Carries out an approved proposal about the shortlist. Rules: one at a time, and none once the
-- shortlist was published to the contest.
create function nomination.carry_out_shortlist() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    selection nomination.selections;
    blocked text;
begin
    -- One proposal of a selection at a time, and none during a review.
    select * into selection from nomination.selections
     where id = new.selection_id for no key update;
    perform 1 from nomination.recommendations r
      where r.selection_id = selection.id order by r.id for update;
    if exists (select 1 from approval_requests d
                where d.selection_id = selection.id and d.kind = 'contest_publication'
                  and d.approved_by is not null and d.id <> new.id) then
        raise exception 'the shortlist was published to the contest'
            using errcode = 'check_violation', constraint = 'shortlist_published_to_contest';
    end if;
    if new.kind = 'shortlist' and new.subject = 'choice' then
        perform nomination.choose_shortlist(new, selection);
    elsif new.kind = 'shortlist' then
        perform nomination.replace_shortlist_entry(new, selection);
    elsif new.kind = 'draw' then
        perform nomination.draw_numbers(new, selection);
    else
        blocked := nomination.contest_publication_blocker(selection.id);
        if blocked is not null then
            raise exception 'the shortlist cannot be published to the contest yet: %', blocked
                using errcode = 'check_violation', constraint = 'contest_publication_' || blocked;
        end if;
    end if;
    return null;
end
$$;

create trigger carry_out_shortlist after update of approved_by on approval_requests
    for each row when (old.approved_by is null and new.approved_by is not null
                       and new.kind in ('shortlist', 'draw', 'contest_publication'))
    execute function nomination.carry_out_shortlist();

-- Rule: the contest of a selection is the one to which two people published the shortlist.
create function nomination.check_contest() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select 1 from approval_requests d
                     join contests c on c.slug = d.payload ->> 'contest'
                    where d.selection_id = new.id and d.kind = 'contest_publication'
                      and d.approved_by is not null and c.id = new.contest_id)
       and not pg_has_role(session_user, (select relowner from pg_class where oid = tg_relid),
                           'member') then
        raise exception 'two people publish the shortlist to the contest'
            using errcode = 'check_violation', constraint = 'contest_publication_two_people';
    end if;
    return new;
end
$$;

create trigger check_contest before update of contest_id on nomination.selections
    for each row when (new.contest_id is not null)
    execute function nomination.check_contest();

grant select on nomination.shortlist_entries, nomination.objections, nomination.objection_answers,
                nomination.profiles to voting_staff;
grant select on nomination.shortlist_entries, nomination.profiles to voting_jobs;
grant select (selection_id) on nomination.objections to voting_jobs;
grant select, insert (recommendation_id, is_chosen, changed_by),
      update (is_chosen, changed_by, changed_at) on nomination.shortlist_draft to voting_staff;
grant insert (selection_id, notice, recommendation_id, received_on, sender, content, entered_by)
    on nomination.objections to voting_staff;
grant insert (objection_id, verdict, answer, answered_by) on nomination.objection_answers
    to voting_staff;
grant insert (recommendation_id, content, saved_by),
      update (content, revision, saved_by, saved_at) on nomination.profiles to voting_staff;
grant execute on function nomination.contest_publication_blocker(smallint) to voting_staff;
