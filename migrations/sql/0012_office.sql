-- The office: selections, who recommends, and what they recommend. Tables of its own; of the
-- vote's they know only contests, and the decisions and accounts that both share.
--
-- Places, deadline and persons are kept here whatever the programs do: the application's role can
-- write forms, but what is submitted, and what becomes of it, is for the triggers to say.
create schema office;
grant usage on schema office to voting_application;

-- `rules` is office/model.py: SelectionRules. What two officers could race for, or be late for,
-- stands in columns. Nothing but the contest changes once recommending has begun.
create table office.selections (
    id               smallint generated always as identity primary key,
    slug             text not null constraint selections_slug_key unique
                     check (slug ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'),
    rules            jsonb not null,
    opens_at         timestamptz not null,
    closes_at        timestamptz not null,
    district_quota   smallint not null check (district_quota between 1 and 1000),
    department_quota smallint not null check (department_quota between 1 and 1000),
    contest_id       smallint constraint selections_contest_key unique references contests,
    constraint selections_window check (closes_at > opens_at)
);

create function office.check_selection() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if clock_timestamp() >= old.opens_at
       and (new.slug, new.rules, new.opens_at, new.closes_at, new.district_quota,
            new.department_quota)
           is distinct from
           (old.slug, old.rules, old.opens_at, old.closes_at, old.district_quota,
            old.department_quota)
       and not pg_has_role(session_user, (select relowner from pg_class where oid = tg_relid),
                           'member') then
        raise exception 'recommending has begun: its rules stay'
            using errcode = 'check_violation', constraint = 'selections_rules_stay';
    end if;
    if old.contest_id is not null and new.contest_id is distinct from old.contest_id then
        raise exception 'a selection has one contest'
            using errcode = 'check_violation', constraint = 'records_stay';
    end if;
    return new;
end
$$;

create trigger check_selection before update on office.selections
    for each row execute function office.check_selection();

-- Who recommends; central units recommend through the district that they are in.
create table office.bodies (
    id   smallint generated always as identity primary key,
    slug text not null constraint bodies_slug_key unique
         check (slug ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'),
    kind text not null check (kind in ('district', 'department')),
    name jsonb not null                  -- contests/model.py: Text
);

-- An account made by such an invitation is an officer of the body.
create table office.body_invitations (
    token_hash bytea primary key references invitations,
    body_id    smallint not null references office.bodies
);

create table office.body_officers (
    account_id integer primary key references accounts,
    body_id    smallint not null references office.bodies
);

create index body_officers_body on office.body_officers (body_id);

create function office.is_officer(account integer, body smallint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select 1 from office.body_officers o join accounts a on a.id = o.account_id
                    where o.account_id = account and o.body_id = body and not a.disabled)
$$;

create function office.seat_officer() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into office.body_officers (account_id, body_id)
    select new.id, i.body_id
      from office.body_invitations i
     where i.token_hash = new.invitation and new.role = 'recommender';
    return null;
end
$$;

create trigger seat_officer after insert on accounts
    for each row execute function office.seat_officer();

-- Who was chosen in an earlier year, by the keyed hash of the ID number.
create table office.earlier_winners (
    person_hash bytea primary key check (length(person_hash) = 32),
    year        smallint not null
);

-- `form` is office/form.py, sealed. `state`, `person_hash` and `submitted_at` follow from
-- submissions and reviews.
create table office.recommendations (
    id           integer generated always as identity primary key,
    selection_id smallint not null references office.selections,
    body_id      smallint not null references office.bodies,
    state        text not null default 'draft' check (state in (
                     'draft', 'submitted', 'returned', 'accepted', 'rejected', 'withdrawn')),
    person_hash  bytea check (length(person_hash) = 32),
    form         bytea not null,
    revision     integer not null default 1,
    created_by   integer not null references accounts,
    created_at   timestamptz not null default clock_timestamp(),
    saved_by     integer not null references accounts,
    saved_at     timestamptz not null default clock_timestamp(),
    submitted_at timestamptz,
    assigned_to  integer references accounts
);

create index recommendations_body on office.recommendations (selection_id, body_id);
-- Whoever was turned down is not recommended again, by nobody; who was withdrawn may be.
create unique index recommendations_person_once on office.recommendations
    (selection_id, person_hash)
    where state in ('submitted', 'returned', 'accepted', 'rejected');

create function office.check_recommendation() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.form is distinct from old.form and old.state not in ('draft', 'returned')
       and not pg_has_role(session_user, (select relowner from pg_class where oid = tg_relid),
                           'member') then
        raise exception 'what was submitted stays as it is'
            using errcode = 'check_violation', constraint = 'recommendations_fixed';
    end if;
    return new;
end
$$;

create trigger check_recommendation before update on office.recommendations
    for each row execute function office.check_recommendation();

-- Photo, evidence and scans of stamped pages, sealed; sha256 is of what was sealed.
create table office.files (
    id                bigint generated always as identity primary key,
    recommendation_id integer not null references office.recommendations,
    slot              text not null check (slot in (
                          'photo', 'evidence', 'employer_scan', 'body_scan')),
    sha256            bytea not null check (length(sha256) = 32),
    media_type        text not null,
    pages             smallint not null check (pages between 1 and 100),
    content           bytea not null check (length(content) between 1 and 33554432),
    added_by          integer not null references accounts,
    added_at          timestamptz not null default clock_timestamp(),
    replaced_at       timestamptz
);

alter table office.files alter column content set storage external;

create unique index files_one_a_slot on office.files (recommendation_id, slot)
    where replaced_at is null;

create function office.check_file() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select 1 from office.recommendations r
                    where r.id = new.recommendation_id and r.state in ('draft', 'returned')
                      for share) then
        raise exception 'what was submitted stays as it is'
            using errcode = 'check_violation', constraint = 'recommendations_fixed';
    end if;
    return new;
end
$$;

create trigger check_file before insert or update of replaced_at on office.files
    for each row execute function office.check_file();

-- What was handed in, as it was; `submitted_at`, `turn` and the scans are stamped here.
create table office.submissions (
    id                integer generated always as identity primary key,
    recommendation_id integer not null references office.recommendations,
    turn              smallint not null,
    person_hash       bytea not null check (length(person_hash) = 32),
    form              bytea not null,
    form_sha256       bytea not null check (length(form_sha256) = 32),
    photo_sha256      bytea not null check (length(photo_sha256) = 32),
    evidence_sha256   bytea not null check (length(evidence_sha256) = 32),
    evidence_pages    smallint not null check (evidence_pages between 1 and 10),
    employer_scan_sha256 bytea check (length(employer_scan_sha256) = 32),
    body_scan_sha256  bytea check (length(body_scan_sha256) = 32),
    submitted_by      integer not null references accounts,
    submitted_at      timestamptz not null,
    late_by_decision  integer references decisions,
    unique (recommendation_id, turn)
);

create function office.take_submission() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    arrived constant timestamptz := clock_timestamp();
    found_one office.recommendations;
    selection office.selections;
    quota integer;
    taken integer;
begin
    new.submitted_at := arrived;
    select * into found_one from office.recommendations
     where id = new.recommendation_id for update;
    select * into selection from office.selections where id = found_one.selection_id;
    if found_one.id is null or found_one.state not in ('draft', 'returned') then
        raise exception 'only a draft, or what was returned, is submitted'
            using errcode = 'check_violation', constraint = 'submissions_state';
    end if;
    if not office.is_officer(new.submitted_by, found_one.body_id) then
        raise exception 'only officers of the body submit'
            using errcode = 'check_violation', constraint = 'submissions_officer';
    end if;
    if arrived < selection.opens_at then
        raise exception 'recommending has not begun'
            using errcode = 'check_violation', constraint = 'submissions_not_open';
    end if;
    -- Whoever approves the fifty locks every recommendation first: one of the two sees the other.
    if exists (select 1 from decisions d
                where d.selection_id = selection.id and d.kind = 'picks'
                  and d.approved_by is not null) then
        raise exception 'the selection has been made'
            using errcode = 'check_violation', constraint = 'submissions_after_picks';
    end if;
    new.late_by_decision := null;
    if arrived >= selection.closes_at then
        select d.id into new.late_by_decision
          from decisions d
         where d.selection_id = selection.id
           and d.kind = 'late_submission'
           and split_part(d.subject, '/', 1) = found_one.id::text
           and d.approved_by is not null
           and (d.payload ->> 'until')::timestamptz > arrived
         order by d.id limit 1;
        if new.late_by_decision is null then
            raise exception 'the deadline has passed'
                using errcode = 'check_violation', constraint = 'submissions_deadline';
        end if;
    end if;
    if exists (select 1 from office.earlier_winners w where w.person_hash = new.person_hash) then
        raise exception 'whoever was chosen before is not recommended again'
            using errcode = 'check_violation', constraint = 'submissions_earlier_winner';
    end if;
    if not exists (select 1 from office.files f
                    where f.recommendation_id = found_one.id and f.replaced_at is null
                      and f.slot = 'photo' and f.sha256 = new.photo_sha256)
       or not exists (select 1 from office.files f
                       where f.recommendation_id = found_one.id and f.replaced_at is null
                         and f.slot = 'evidence' and f.sha256 = new.evidence_sha256
                         and f.pages = new.evidence_pages) then
        raise exception 'photo and evidence are not the ones that were attached'
            using errcode = 'check_violation', constraint = 'submissions_files';
    end if;
    -- One at a time for each body: two officers cannot both take the last place.
    select case b.kind when 'district' then selection.district_quota
                       else selection.department_quota end
      into quota
      from office.bodies b where b.id = found_one.body_id for no key update;
    select count(*) into taken
      from office.recommendations r
     where r.selection_id = selection.id and r.body_id = found_one.body_id
       and r.id <> found_one.id
       and r.state in ('submitted', 'returned', 'accepted', 'rejected');
    if taken >= quota then
        raise exception 'every place of this body is taken'
            using errcode = 'check_violation', constraint = 'submissions_quota';
    end if;
    new.form := found_one.form;
    new.employer_scan_sha256 := (
        select f.sha256 from office.files f
         where f.recommendation_id = found_one.id and f.replaced_at is null
           and f.slot = 'employer_scan');
    new.body_scan_sha256 := (
        select f.sha256 from office.files f
         where f.recommendation_id = found_one.id and f.replaced_at is null
           and f.slot = 'body_scan');
    select coalesce(max(s.turn), 0) + 1 into new.turn
      from office.submissions s where s.recommendation_id = found_one.id;
    update office.recommendations
       set state = 'submitted', person_hash = new.person_hash, submitted_at = arrived
     where id = found_one.id;
    return new;
end
$$;

create trigger take_submission before insert on office.submissions
    for each row execute function office.take_submission();
create trigger submissions_stay before delete or truncate on office.submissions
    for each statement execute function refuse_change();

-- What became of a submission; `reason` is sealed, for those who recommended may read it, and it
-- may name the person.
create table office.reviews (
    id                integer generated always as identity primary key,
    recommendation_id integer not null references office.recommendations,
    verdict           text not null check (verdict in (
                          'returned', 'accepted', 'rejected', 'reopened', 'withdrawn')),
    reason            bytea not null,
    account_id        integer not null references accounts,
    reviewed_at       timestamptz not null
);

create index reviews_recommendation on office.reviews (recommendation_id);

create function office.take_review() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    arrived constant timestamptz := clock_timestamp();
    found_one office.recommendations;
    selection office.selections;
    follows text;
begin
    new.reviewed_at := arrived;
    select * into found_one from office.recommendations
     where id = new.recommendation_id for update;
    select * into selection from office.selections where id = found_one.selection_id;
    follows := case
        when new.verdict in ('returned', 'accepted', 'rejected')
             and found_one.state = 'submitted' then new.verdict
        when new.verdict = 'reopened' and found_one.state in ('accepted', 'rejected')
             then 'submitted'
        when new.verdict = 'withdrawn' and found_one.state in ('submitted', 'returned')
             then 'withdrawn'
    end;
    if follows is null then
        raise exception 'a recommendation in this state cannot be %', new.verdict
            using errcode = 'check_violation', constraint = 'reviews_state';
    end if;
    if new.verdict = 'withdrawn' then
        if not office.is_officer(new.account_id, found_one.body_id) then
            raise exception 'only officers of the body withdraw'
                using errcode = 'check_violation', constraint = 'submissions_officer';
        end if;
    elsif not exists (select 1 from accounts a
                       where a.id = new.account_id and a.role in ('reviewer', 'supervisor')
                         and not a.disabled) then
        raise exception 'only reviewers and supervisors review'
            using errcode = 'check_violation', constraint = 'reviews_reviewers';
    end if;
    if new.verdict in ('returned', 'withdrawn') and arrived >= selection.closes_at then
        raise exception 'nothing is returned or withdrawn after the deadline'
            using errcode = 'check_violation', constraint = 'reviews_deadline';
    end if;
    if exists (select 1 from decisions d
                where d.selection_id = selection.id and d.kind = 'picks'
                  and d.approved_by is not null) then
        raise exception 'the selection has been made'
            using errcode = 'check_violation', constraint = 'reviews_after_picks';
    end if;
    update office.recommendations set state = follows where id = found_one.id;
    return new;
end
$$;

create trigger take_review before insert on office.reviews
    for each row execute function office.take_review();
create trigger reviews_stay before delete or truncate on office.reviews
    for each statement execute function refuse_change();

-- A person whom a second body wanted to recommend; both see it.
create table office.person_conflicts (
    recommendation_id integer not null references office.recommendations,
    holder_id         integer not null references office.recommendations,
    noticed_at        timestamptz not null default clock_timestamp(),
    primary key (recommendation_id, holder_id)
);

grant select on all tables in schema office to voting_application;
grant insert (slug, rules, opens_at, closes_at, district_quota, department_quota),
      update (rules, opens_at, closes_at, district_quota, department_quota, contest_id)
    on office.selections to voting_application;
grant insert (slug, kind, name) on office.bodies to voting_application;
grant insert on office.body_invitations, office.earlier_winners to voting_application;
grant insert (selection_id, body_id, form, created_by, saved_by),
      update (form, revision, saved_by, saved_at, assigned_to)
    on office.recommendations to voting_application;
grant insert (recommendation_id, slot, sha256, media_type, pages, content, added_by),
      update (replaced_at)
    on office.files to voting_application;
grant insert (recommendation_id, person_hash, form_sha256, photo_sha256, evidence_sha256,
              evidence_pages, submitted_by)
    on office.submissions to voting_application;
grant insert (recommendation_id, verdict, reason, account_id) on office.reviews
    to voting_application;
grant insert (recommendation_id, holder_id) on office.person_conflicts to voting_application;

-- Officers of bodies and experts have accounts like everybody. Reviewers decide in pairs, and what
-- experts say decides the award, so making their accounts takes two people as well.
-- squawk-ignore ban-drop-constraint
alter table accounts drop constraint accounts_role_check;
-- squawk-ignore constraint-missing-not-valid
alter table accounts add constraint accounts_role_check check (role in (
    'tally_clerk', 'reviewer', 'supervisor', 'auditor', 'administrator', 'recommender', 'expert'));
-- squawk-ignore ban-drop-constraint
alter table invitations drop constraint invitations_role_check;
-- squawk-ignore constraint-missing-not-valid
alter table invitations add constraint invitations_role_check check (role in (
    'tally_clerk', 'reviewer', 'supervisor', 'auditor', 'administrator', 'recommender', 'expert'));

create or replace function needs_two_people(wanted text) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select wanted in ('tally_clerk', 'reviewer', 'supervisor', 'administrator', 'expert')
           and (select count(*) from accounts where role in ('supervisor', 'administrator')) >= 2
$$;

-- Decisions are about a contest or about a selection; the kind says which.
-- squawk-ignore adding-foreign-key-constraint
alter table decisions add column selection_id smallint references office.selections;
-- squawk-ignore ban-drop-not-null
alter table decisions alter column contest_id drop not null;
-- squawk-ignore ban-drop-constraint
alter table decisions drop constraint decisions_kind_check;
-- squawk-ignore constraint-missing-not-valid
alter table decisions add constraint decisions_kind_check check (
    case when kind in ('tie_order', 'lot', 'publication', 'ruling', 'settings')
         then contest_id is not null and selection_id is null
         else kind in ('late_submission', 'picks', 'draw', 'hand_over', 'panel', 'result')
              and contest_id is null and selection_id is not null end);

-- squawk-ignore require-concurrent-index-creation
create index decisions_selection on decisions (selection_id, id) where selection_id is not null;
-- squawk-ignore require-concurrent-index-creation
create unique index decisions_selection_once on decisions (selection_id, kind, subject)
    where approved_by is not null and selection_id is not null;

create or replace function check_deciders() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    deciders constant text[] := case when new.selection_id is null
        then array['tally_clerk', 'supervisor'] else array['reviewer', 'supervisor'] end;
begin
    if exists (
        select 1
          from unnest(array[new.proposed_by, new.approved_by, new.declined_by]) as person (id)
          left join accounts a on a.id = person.id
         where person.id is not null
           and (a.id is null or a.role <> all (deciders)
                or (a.disabled
                    and (tg_op = 'INSERT' or person.id is distinct from new.proposed_by)))
    ) then
        raise exception 'only those whose matter it is decide'
            using errcode = 'check_violation', constraint = 'decisions_deciders';
    end if;
    return new;
end
$$;

grant insert (selection_id) on decisions to voting_application;
