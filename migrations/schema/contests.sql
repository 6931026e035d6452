-- What is voted on: contests with their rules, candidates, platforms, keys and pictures.

-- A public vote between two moments. When voting opens its rules are fixed (keep_contest_rules).
create table contests (
    id          smallint generated always as identity primary key,
    slug        text not null constraint contests_slug_key unique,
    rules       jsonb not null,        -- contests/model.py: ContestRules
    opens_at    timestamptz not null,
    closes_at   timestamptz not null,
    revision    integer not null default 1,
    created_xid xid8 not null default pg_current_xact_id(),  -- the transaction that stored it
    constraint contests_window check (opens_at < closes_at)
);

-- Proposals of one contest are kept with those of a selection, in `approval_requests` (staff.sql).
alter table approval_requests
    -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
    add constraint approval_requests_contest_id_fkey foreign key (contest_id) references contests;

-- A person or thing that one can vote for, by the number on the ballot.
create table candidates (
    contest_id  smallint not null references contests,
    number      smallint not null check (number between 1 and 9999),
    profile     jsonb not null,        -- contests/model.py: Candidate
    primary key (contest_id, number)
);

-- A media app or website through which citizens sign in.
create table platforms (
    id            smallint generated always as identity primary key,
    slug          text not null constraint platforms_slug_key unique,
    name          jsonb not null,
    kind          text not null,       -- voting/voters/service.py: which adapter signs its users in
    config        jsonb not null,      -- that adapter's settings; public keys, never secrets
    origins       text[] not null default '{}',  -- websites that may embed the contest
    daily_ceiling integer check (daily_ceiling > 0),  -- ballots a day; null: no limit
    enabled       boolean not null default true,
    revision      integer not null default 1,
    profile_url   text,                -- where it shows profiles, for `release probe`; {number}
                                       -- stands for the candidate's number
    person_policy text not null        -- contests/model.py: PersonPolicy
                  check (person_policy in ('required', 'never')),
    entrance      text,                -- the link that opens the vote inside its app, for QR codes
    app_name      jsonb,               -- the app in which it opens, where that has another name
    logo          jsonb,               -- contests/model.py: Logo; its bytes are in logo_files
    sessions_not_before timestamptz    -- voters' sessions opened through it before then have ended
);

-- The logos that platforms have, had, or would have under a proposal, and those proposed for contests;
-- each a PNG under a hash that never means other bytes.
create table logo_files (
    hash    text primary key check (hash ~ '^[0-9a-f]{32}$'),
    width   smallint not null check (width > 0),
    content bytea not null check (length(content) between 1 and 1048576)
);

alter table logo_files alter column content set storage external;

-- Keys of one contest, wrapped by the master key of the settings. Deleting a row destroys the key:
-- without the voters' key no pseudonym can be traced to a person again.
create table contest_keys (
    contest_id  smallint not null references contests,
    purpose     text not null check (purpose in ('voters', 'receipts', 'log')),  -- pseudonyms,
                                       -- receipts, commitments of the public log
    wrapped_key bytea not null,
    created_at  timestamptz not null default now(),
    primary key (contest_id, purpose)
);

-- The pictures shown of a candidate now. Place 0 is the portrait; the others follow in order.
create table pictures (
    contest_id smallint not null,
    number     smallint not null,
    place      smallint not null check (place between 0 and 99),
    hash       text not null check (hash ~ '^[0-9a-f]{32}$'),
    width      smallint not null check (width > 0),   -- of the largest size
    height     smallint not null check (height > 0),
    caption    jsonb,                                 -- contests/model.py: Text
    primary key (contest_id, number, place),
    foreign key (contest_id, number) references candidates,
    constraint pictures_caption check ((place = 0) = (caption is null))
);

-- The bytes of pictures, under a hash that never means other bytes. The files of a replaced picture
-- stay, and are public where a correction shows what was before; removing a candidate's pictures deletes its files.
create table picture_files (
    contest_id smallint not null,
    number     smallint not null,
    hash       text not null check (hash ~ '^[0-9a-f]{32}$'),
    width      smallint not null check (width > 0),
    format     text not null check (format in ('avif', 'webp', 'jpeg')),
    content    bytea not null check (length(content) between 1 and 4194304),
    primary key (hash, width, format, contest_id, number),
    foreign key (contest_id, number) references candidates
);

-- The formats are compressed already.
alter table picture_files alter column content set storage external;

-- The logo of a contest, a PNG. Unlike pictures of candidates it is shown before they are published.
create table contest_logos (
    contest_id smallint primary key references contests,
    hash       text not null check (hash ~ '^[0-9a-f]{32}$'),
    width      smallint not null check (width > 0),
    height     smallint not null check (height > 0),
    content    bytea not null check (length(content) between 1 and 1048576)
);

alter table contest_logos alter column content set storage external;

-- What a member of the public objected to online: the outcome of a contest, or a public notice.
-- `number` is what the objector looks the answer up with.
create table online_objections (
    id          integer generated always as identity primary key,
    number      text not null constraint online_objections_number_key unique,
    contest_id  smallint references contests,
    notice      text,                     -- its slug; notices belong to a room above this one
    sender      bytea not null,           -- keyed hash of network and day, for limits; empty after a day
    content     bytea not null,           -- encrypted; empty once erased
    attachment  bytea check (length(attachment) <= 8500000),  -- one PDF, encrypted; null once erased
    received_at timestamptz not null default clock_timestamp(),
    constraint online_objections_one_target check (num_nonnulls(contest_id, notice) = 1)
);

alter table online_objections alter column attachment set storage external;

create index online_objections_received_at on online_objections (received_at);

-- The answer to an online objection, one each.
create table online_objection_answers (
    objection_id integer primary key references online_objections,
    answer       bytea not null,          -- encrypted; empty once erased
    answered_by  integer not null references accounts,
    answered_at  timestamptz not null default clock_timestamp()
);

-- With the voters' key of a contest fall the objections to its outcome.
create function erase_online_objections() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update online_objection_answers a set answer = ''
      from online_objections o where o.id = a.objection_id and o.contest_id = old.contest_id;
    update online_objections set content = '', attachment = null where contest_id = old.contest_id;
    return null;
end
$$;

-- A year after an objection came, when its period is long over, what was written and answered falls.
-- The hash of its sender falls within a day, when no limit needs it; the job comes every hour.
create function erase_old_objections() returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    erased bigint;
begin
    update online_objection_answers a set answer = ''
      from online_objections o
     where o.id = a.objection_id and a.answer <> ''
       and o.received_at < clock_timestamp() - interval '1 year';
    update online_objections set content = '', attachment = null
     where content <> '' and received_at < clock_timestamp() - interval '1 year';
    get diagnostics erased = row_count;
    update online_objections set sender = ''
     where sender <> '' and received_at < clock_timestamp() - interval '23 hours';
    return erased;
end
$$;

grant execute on function erase_old_objections() to voting_jobs;

create trigger erase_online_objections after delete on contest_keys
    for each row when (old.purpose = 'voters') execute function erase_online_objections();

-- What was changed in a contest after it was announced; shown on its rules page for ever.
create table contest_changes (
    id          integer generated always as identity primary key,
    contest_id  smallint not null references contests,
    changed_at  timestamptz not null,
    setting     text not null,            -- contests/settings/model.py: Setting
    before      jsonb,                    -- null: the setting was absent
    after       jsonb,
    reason      jsonb not null,           -- contests/model.py: Text, for the public
    approval_id integer references approval_requests
);

create index contest_changes_contest on contest_changes (contest_id, id);

-- A contest that is being set up on the console; never public. Once it is announced or discarded
-- its content and pictures are removed, and who did what stays.
create table contest_drafts (
    id           integer generated always as identity primary key,
    slug         text not null,
    content      jsonb,                -- contests/drafts/model.py: the keys of a contest file
    revision     integer not null default 1,
    saved_by     integer not null references accounts,
    saved_at     timestamptz not null,
    contest_id   smallint references contests,  -- what it was announced as
    discarded_at timestamptz,
    constraint contest_drafts_one_end check (contest_id is null or discarded_at is null),
    constraint contest_drafts_content check (
        (content is null) = (contest_id is not null or discarded_at is not null))
);

create unique index contest_drafts_slug_key on contest_drafts (slug) where content is not null;
create index contest_drafts_contest on contest_drafts (contest_id) where contest_id is not null;

alter table approval_requests
    -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
    add constraint approval_requests_draft_id_fkey foreign key (draft_id) references contest_drafts;

-- The pictures of a draft, as in `pictures`.
create table draft_pictures (
    draft_id   integer not null references contest_drafts,
    number     smallint not null,
    place      smallint not null check (place between 0 and 99),
    name       text not null,                -- of the file that was uploaded
    hash       text not null check (hash ~ '^[0-9a-f]{32}$'),
    width      smallint not null check (width > 0),
    height     smallint not null check (height > 0),
    caption    jsonb,                        -- i18n/text.py: Text
    primary key (draft_id, number, place),
    constraint draft_pictures_caption check ((place = 0) = (caption is null))
);

-- The bytes of the pictures of drafts, as in `picture_files`.
create table draft_picture_files (
    draft_id   integer not null references contest_drafts,
    hash       text not null check (hash ~ '^[0-9a-f]{32}$'),
    width      smallint not null check (width > 0),
    format     text not null check (format in ('avif', 'webp', 'jpeg')),
    content    bytea not null check (length(content) between 1 and 4194304),
    primary key (draft_id, hash, width, format)
);

alter table draft_picture_files alter column content set storage external;

-- The logo of a draft, as in `contest_logos`.
create table draft_logos (
    draft_id integer primary key references contest_drafts,
    hash     text not null check (hash ~ '^[0-9a-f]{32}$'),
    width    smallint not null check (width > 0),
    height   smallint not null check (height > 0),
    content  bytea not null check (length(content) between 1 and 1048576)
);

alter table draft_logos alter column content set storage external;

-- Rule: what was announced or discarded stays so.
create function keep_ended_drafts() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'an announced or discarded draft does not change'
        using errcode = 'check_violation', constraint = 'contest_drafts_ended';
end
$$;

create trigger keep_ended_drafts before update or delete on contest_drafts
    for each row when (old.content is null) execute function keep_ended_drafts();

-- Rule: a contest that the console's role stores comes from a request that two people approved, of a
-- draft or of the shortlist. Checked at the commit, because the approval is stored with it. The
-- tables' owner and the commands' role are exempt, but not a login of theirs that took the console's.
create function check_new_contest() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if pg_has_role(acting_role(), (select c.relowner from pg_class c where c.oid = tg_relid), 'member')
       or pg_has_role(acting_role(), 'voting_application', 'member')
       or exists (
           select 1 from contest_drafts d join approval_requests r on r.draft_id = d.id
            where d.contest_id = new.id and r.kind = 'contest_announcement'
              and r.approved_by is not null and r.payload ->> 'contest' = new.slug
              and (r.payload ->> 'candidates')::integer
                  = (select count(*) from candidates k where k.contest_id = new.id))
       or exists (
           select 1 from nomination.selections s
             join approval_requests r on r.selection_id = s.id
            where s.contest_id = new.id and r.kind = 'contest_publication'
              and r.approved_by is not null) then
        return null;
    end if;
    raise exception 'two people announce a contest'
        using errcode = 'check_violation', constraint = 'contests_announced_by_two';
end
$$;

create constraint trigger check_new_contest after insert on contests
    deferrable initially deferred for each row execute function check_new_contest();

-- Rule: candidates come with their contest, in one transaction. The tables' owner is exempt.
create function check_new_candidate() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if not exists (select from contests c
                    where c.id = new.contest_id and c.created_xid = pg_current_xact_id())
       and not pg_has_role(current_user, (select c.relowner from pg_class c where c.oid = tg_relid),
                           'member') then
        raise exception 'nobody joins a contest later'
            using errcode = 'check_violation', constraint = 'candidates_come_with_contest';
    end if;
    return new;
end
$$;

create trigger check_new_candidate before insert on candidates
    for each row execute function check_new_candidate();

-- Rule: from the announcement, the logo changes to what two people approved for the revision that
-- changed. Checked at the commit, because the approval comes last. The tables' owner is exempt.
create function check_logo_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (
           select from contests c
            where c.id in (new.contest_id, old.contest_id)
              and c.created_xid <> pg_current_xact_id()
              and clock_timestamp() >= coalesce((c.rules ->> 'publish_at')::timestamptz, c.opens_at)
              and not exists (
                  select from approval_requests d
                   where d.contest_id = c.id and d.kind = 'settings' and d.approved_by is not null
                     and d.payload ->> 'setting' = 'logo'
                     and d.payload ->> 'revision' = (c.revision - 1)::text
                     and d.payload -> 'to' ->> 'hash' is not distinct from new.hash))
       and not pg_has_role(acting_role(), (select c.relowner from pg_class c where c.oid = tg_relid),
                           'member') then
        raise exception 'two people change the logo of an announced contest'
            using errcode = 'check_violation', constraint = 'contest_logos_two_people';
    end if;
    return null;
end
$$;

create constraint trigger check_logo_change after insert or update or delete on contest_logos
    deferrable initially deferred for each row execute function check_logo_change();

-- Rules: what people vote by is fixed when voting opens, the close is never in the past, and a
-- closed contest stays closed. The table in contests/settings/model.py lists every setting and until
-- when it may change.
create function keep_contest_rules() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if clock_timestamp() >= old.opens_at and (
        new.rules -> 'ballot' is distinct from old.rules -> 'ballot'
        or new.rules -> 'cut' is distinct from old.rules -> 'cut'
        or new.rules -> 'own_rules' is distinct from old.rules -> 'own_rules'
        or new.rules -> 'time_zone' is distinct from old.rules -> 'time_zone'
        or new.rules -> 'list_order' is distinct from old.rules -> 'list_order'
        or new.rules -> 'screening' is distinct from old.rules -> 'screening'
        or new.rules -> 'publish_at' is distinct from old.rules -> 'publish_at'
        or new.rules -> 'release' -> 'mode' is distinct from old.rules -> 'release' -> 'mode'
        or new.rules -> 'release' -> 'daily_at'
           is distinct from old.rules -> 'release' -> 'daily_at'
        or new.opens_at is distinct from old.opens_at
        or new.slug is distinct from old.slug
    ) then
        raise exception 'the rules of the ballot are fixed once voting opens'
            using errcode = 'check_violation', constraint = 'contests_rules_fixed';
    end if;
    if clock_timestamp() >= old.opens_at and new.closes_at < old.closes_at
       and new.closes_at < clock_timestamp() then
        raise exception 'voting does not close in the past'
            using errcode = 'check_violation', constraint = 'contests_close_ahead';
    end if;
    if clock_timestamp() >= old.closes_at and (
        new.closes_at is distinct from old.closes_at
        or new.rules -> 'release' is distinct from old.rules -> 'release'
    ) then
        raise exception 'a closed contest stays closed'
            using errcode = 'check_violation', constraint = 'contests_stay_closed';
    end if;
    return new;
end
$$;

create trigger keep_contest_rules before update on contests
    for each row execute function keep_contest_rules();

-- Rules: who counts as one voter of a platform is fixed while that can matter in a contest: from
-- its announcement, and from 13 hours before its opening (a session lives for 12), to its close.
create function keep_person_policy() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select 1 from public.contests c
                where clock_timestamp() < c.closes_at
                  and clock_timestamp() >= least((c.rules ->> 'publish_at')::timestamptz,
                                                 c.opens_at - interval '13 hours')) then
        raise exception 'the person policy is fixed while a contest is announced or open'
            using errcode = 'check_violation', constraint = 'platforms_person_policy_fixed';
    end if;
    return new;
end
$$;

create trigger keep_person_policy before update on platforms
    for each row when (new.person_policy <> old.person_policy)
    execute function keep_person_policy();

-- Rule: a change has a revision of its own, so that nothing is approved twice: approvals name the
-- revision that they change. The tables' owner is exempt.
create function keep_revision() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if new.revision <= old.revision
       and not pg_has_role(acting_role(), (select c.relowner from pg_class c where c.oid = tg_relid),
                           'member') then
        raise exception 'every change of % has a new revision', tg_table_name
            using errcode = 'check_violation', constraint = tg_table_name || '_revision_grows';
    end if;
    return new;
end
$$;

create trigger keep_revision before update on contests for each row execute function keep_revision();
create trigger keep_revision before update on platforms for each row execute function keep_revision();

-- Rules: ended sessions stay ended, and end now; and while a contest is announced or open, a platform changes only
-- to the terms that a second person approved for its revision, except that anybody can switch it
-- off. Checked at the commit, because the approval is stored last (platform_changes.py). The tables'
-- owner is exempt; so is a new platform of the commands' role, which asks for two people itself.
create function check_platform_change() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if pg_has_role(acting_role(), (select c.relowner from pg_class c where c.oid = tg_relid),
                   'member') then
        return null;
    end if;
    if old.sessions_not_before > coalesce(new.sessions_not_before, '-infinity')
       or new.sessions_not_before is distinct from old.sessions_not_before
          and new.sessions_not_before > clock_timestamp() + interval '1 minute' then
        raise exception 'sessions that have ended stay ended, and later ones do not end before they begin'
            using errcode = 'check_violation', constraint = 'platforms_sessions_stay_ended';
    end if;
    if (new.name, new.config, new.origins, new.daily_ceiling, new.entrance, new.app_name, new.logo)
           is not distinct from (old.name, old.config, old.origins, old.daily_ceiling,
                                 old.entrance, old.app_name, old.logo)
       and (old.enabled or not new.enabled)
       or not exists (
           select 1 from contests c
            where clock_timestamp() < c.closes_at
              and clock_timestamp() >= least((c.rules ->> 'publish_at')::timestamptz, c.opens_at))
       or tg_op = 'INSERT' and pg_has_role(acting_role(), 'voting_application', 'member')
       or exists (
           select 1 from approval_requests r
            where r.kind = 'platform' and r.approved_by is not null
              and r.subject = new.slug || '/' || coalesce(old.revision, 0)
              and r.payload -> 'to' -> 'name' = new.name
              and r.payload -> 'to' -> 'kind' = to_jsonb(new.kind)
              and r.payload -> 'to' -> 'person_policy' = to_jsonb(new.person_policy)
              and r.payload -> 'to' -> 'config' = new.config
              and r.payload -> 'to' -> 'origins' = to_jsonb(new.origins)
              and r.payload -> 'to' -> 'daily_ceiling'
                  = coalesce(to_jsonb(new.daily_ceiling), 'null')
              and r.payload -> 'to' -> 'entrance' = coalesce(to_jsonb(new.entrance), 'null')
              and r.payload -> 'to' -> 'app_name' = coalesce(new.app_name, 'null')
              and r.payload -> 'to' -> 'logo' = coalesce(new.logo, 'null')
              and r.payload -> 'to' -> 'enabled' = to_jsonb(new.enabled)) then
        return null;
    end if;
    raise exception 'while a contest is announced or open, platforms are changed by two people'
        using errcode = 'check_violation', constraint = 'platforms_two_people';
end
$$;

create constraint trigger check_platform_change after insert or update on platforms
    deferrable initially deferred
    for each row execute function check_platform_change();

-- Rule: once a contest is announced, its settings change by a request that two people approved.
-- Checked at the commit, because the approval comes last. The tables' owner is exempt.
create function check_contest_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if clock_timestamp() >= coalesce((old.rules ->> 'publish_at')::timestamptz, old.opens_at)
       and not exists (
               select 1 from approval_requests d
                where d.contest_id = new.id and d.kind = 'settings'
                  and d.approved_by is not null
                  and d.payload ->> 'revision' = old.revision::text)
       and not pg_has_role(acting_role(), (select c.relowner from pg_class c where c.oid = tg_relid),
                           'member') then
        raise exception 'two people change the settings of an announced contest'
            using errcode = 'check_violation', constraint = 'contests_two_people';
    end if;
    return null;
end
$$;

create constraint trigger check_contest_change after update on contests
    deferrable initially deferred for each row
    when ((old.rules, old.opens_at, old.closes_at)
          is distinct from (new.rules, new.opens_at, new.closes_at))
    execute function check_contest_change();

create trigger contest_changes_stay before update or delete or truncate on contest_changes
    for each statement execute function refuse_change();

-- Not granted, because no program needs it: changing candidates.
grant select on contests, candidates, platforms, contest_keys, pictures, picture_files,
                contest_logos, logo_files, contest_changes to voting_public, voting_staff, voting_jobs;
grant insert (slug, rules, opens_at, closes_at) on contests to voting_staff;
grant insert on candidates, contest_keys, picture_files, logo_files to voting_staff;
grant insert, update, delete on pictures to voting_staff;
grant select on contest_drafts, draft_pictures, draft_picture_files, draft_logos to voting_staff;
grant insert (slug, content, saved_by, saved_at),
      update (slug, content, revision, saved_by, saved_at, contest_id, discarded_at)
    on contest_drafts to voting_staff;
grant insert, delete on draft_pictures, draft_picture_files, draft_logos to voting_staff;
grant insert, delete, update (hash, width, height, content) on contest_logos to voting_staff;
grant delete on picture_files to voting_application;
grant update (rules, opens_at, closes_at, revision) on contests to voting_staff;
grant update (name, config, origins, daily_ceiling, enabled, person_policy, sessions_not_before,
              entrance, app_name, logo, revision)
    on platforms to voting_staff;
grant insert (contest_id, changed_at, setting, before, after, reason, approval_id)
    on contest_changes to voting_staff;
grant insert on platforms to voting_staff;
grant select on online_objections to voting_staff;
grant select (id, number, contest_id, notice, sender, received_at) on online_objections
    to voting_public;
grant select on online_objection_answers to voting_public, voting_staff;
grant insert (number, contest_id, notice, sender, content, attachment) on online_objections
    to voting_public;
grant insert (objection_id, answer, answered_by) on online_objection_answers to voting_staff;
grant update (profile_url) on platforms to voting_application;
grant delete on contest_keys to voting_application;
