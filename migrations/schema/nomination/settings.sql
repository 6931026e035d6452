-- Settings of a selection that change after it was set up: by two people, but for whom to ask.

-- Carries out an approved change of a selection (nomination/settings/). Rules: the selection is still
-- as it was when the change was proposed; the deadline only moves later; no quota is below the places
-- that a body has taken; and after the choice of the shortlist neither changes.
create function nomination.carry_out_settings() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    selection nomination.selections;
    section constant text := split_part(new.subject, '/', 1);
    before constant jsonb := new.payload -> 'before';
    after constant jsonb := new.payload -> 'after';
    districts constant integer := (after ->> 'district_quota')::integer;
    departments constant integer := (after ->> 'department_quota')::integer;
begin
    -- One change at a time, and none during a choice of the shortlist.
    select * into selection from nomination.selections
     where id = new.selection_id for no key update;
    if section not in ('titles', 'body_contacts')
       and exists (select 1 from approval_requests d
                    where d.selection_id = selection.id and d.kind = 'shortlist'
                      and d.approved_by is not null) then
        raise exception 'the shortlist has been chosen'
            using errcode = 'check_violation', constraint = 'settings_after_shortlist';
    end if;
    if not coalesce(case section
           when 'deadline' then (before ->> 'closes_at')::timestamptz = selection.closes_at
           when 'quotas' then (before ->> 'district_quota')::integer = selection.district_quota
                and (before ->> 'department_quota')::integer = selection.department_quota
           when 'titles' then before = jsonb_build_object('title', selection.rules -> 'title',
                                                          'award', selection.rules -> 'award')
           when 'body_contacts' then not exists (
                select 1 from jsonb_each(before) as b
                 where b.value <> coalesce(selection.rules #> array['body_contacts', b.key],
                                           '{"person": "", "telephone": ""}'))
           end, false) then
        raise exception 'the selection was changed since'
            using errcode = 'check_violation', constraint = 'settings_changed_since';
    end if;
    if section = 'deadline' then
        if (after ->> 'closes_at')::timestamptz
           <= greatest(selection.closes_at, clock_timestamp()) then
            raise exception 'a deadline only moves later'
                using errcode = 'check_violation', constraint = 'settings_deadline_later';
        end if;
        update nomination.selections set closes_at = (after ->> 'closes_at')::timestamptz
         where id = selection.id;
    elsif section = 'quotas' then
        -- Submissions hold their body until they are committed.
        perform 1 from nomination.bodies b order by b.id for no key update;
        if exists (select 1
                     from nomination.recommendations r
                     join nomination.bodies b on b.id = r.body_id
                    where r.selection_id = selection.id
                      and r.state in ('submitted', 'returned', 'accepted', 'rejected')
                    group by b.id
                   having count(*) > case b.kind when 'district' then districts
                                                 else departments end) then
            raise exception 'a body has taken more places than that'
                using errcode = 'check_violation', constraint = 'settings_quota_taken';
        end if;
        update nomination.selections
           set district_quota = districts, department_quota = departments
         where id = selection.id;
    elsif section = 'body_contacts' then
        update nomination.selections
           set rules = jsonb_set(rules, '{body_contacts}',
                                 coalesce(rules -> 'body_contacts', '{}') || after)
         where id = selection.id;
    else
        update nomination.selections
           set rules = rules || jsonb_build_object('title', after -> 'title',
                                                   'award', after -> 'award')
         where id = selection.id;
    end if;
    return null;
end
$$;

create trigger carry_out_settings after update of approved_by on approval_requests
    for each row when (old.approved_by is null and new.approved_by is not null
                       and new.kind = 'selection_settings')
    execute function nomination.carry_out_settings();

-- Adds the winners of an earlier year that two people approved.
create function nomination.add_earlier_winners() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into nomination.earlier_winners (person_hash, year)
    select decode(hash, 'hex'), (new.payload ->> 'year')::smallint
      from jsonb_array_elements_text(new.payload -> 'person_hashes') as h (hash)
    on conflict (person_hash) do nothing;
    return null;
end
$$;

create trigger add_earlier_winners after update of approved_by on approval_requests
    for each row when (old.approved_by is null and new.approved_by is not null
                       and new.kind = 'earlier_winners')
    execute function nomination.add_earlier_winners();

-- Changes whom to ask about a selection, and nothing else of its rules.
create function nomination.change_contacts(selection smallint, contacts jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update nomination.selections s
       set rules = s.rules || (select coalesce(jsonb_object_agg(c.key, c.value), '{}')
                                 from jsonb_each(contacts) as c
                                where c.key in ('contact', 'contact_person', 'telephone',
                                                'office_address'))
     where s.id = selection
$$;

-- The extensions of every selection's deadline, as two people approved them.
create view nomination.deadline_extensions with (security_invoker = true) as
    select d.id, d.selection_id, (d.payload #>> '{before,closes_at}')::timestamptz as closed_at,
           (d.payload #>> '{after,closes_at}')::timestamptz as closes_at, d.approved_at,
           d.payload ->> 'reason' as reason
      from approval_requests d
     where d.kind = 'selection_settings' and d.subject like 'deadline/%'
       and d.approved_by is not null;

grant select on nomination.deadline_extensions to voting_staff, voting_jobs;
grant execute on function nomination.change_contacts(smallint, jsonb) to voting_staff;
