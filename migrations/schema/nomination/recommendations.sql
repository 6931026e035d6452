-- Nomination: selections, recommending bodies, their recommendations, the review of them, and
-- public notices. The schema `nomination` holds what the vote knows nothing of; of the vote's
-- tables it refers to contests only, and of the staff's to accounts and approval_requests.
--
-- The services write forms. What is submitted and what follows is written by triggers here, which
-- keep quotas, deadlines and the rule that a person is recommended once.
create schema nomination;
grant usage on schema nomination to voting_staff, voting_jobs;

-- One round of recommending, which leads to one contest. What two people could change at the same
-- time, or miss by seconds, stands in columns. What changes later is changed by settings.sql.
create table nomination.selections (
    id               smallint generated always as identity primary key,
    slug             text not null constraint selections_slug_key unique
                     check (slug ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'),
    rules            jsonb not null,     -- nomination/model.py: SelectionRules
    opens_at         timestamptz not null,
    closes_at        timestamptz not null,
    district_quota   smallint not null check (district_quota between 1 and 1000),
    department_quota smallint not null check (department_quota between 1 and 1000),
    contest_id       smallint constraint selections_contest_key unique references contests,
    constraint selections_window check (closes_at > opens_at),
    -- The defaults are those of SelectionRules: what the functions below read is always there.
    constraint selections_rules_whole
        check (rules ?& array['shortlist_size', 'winners', 'nominees', 'notice_days',
                              'preliminary_score_max'])
);

-- Proposals of a selection are kept with those of a contest, in `approval_requests` (staff.sql).
alter table approval_requests
    -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
    add constraint approval_requests_selection_id_fkey foreign key (selection_id)
        references nomination.selections;

alter table messages
    -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
    add constraint messages_selection_id_fkey foreign key (selection_id)
        references nomination.selections;
alter table message_wordings
    -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
    add constraint message_wordings_selection_id_fkey foreign key (selection_id)
        references nomination.selections;

-- Recommending bodies. Central institutions recommend through the district they are in.
create table nomination.bodies (
    id   smallint generated always as identity primary key,
    slug text not null constraint bodies_slug_key unique
         check (slug ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'),
    kind text not null check (kind in ('district', 'department')),
    name jsonb not null                  -- contests/model.py: Text
);

-- Invitations whose account becomes an officer of a body.
create table nomination.body_invitations (
    token_hash bytea primary key references invitations,
    body_id    smallint not null references nomination.bodies
);

-- The accounts that recommend for a body.
create table nomination.body_officers (
    account_id integer primary key references accounts,
    body_id    smallint not null references nomination.bodies
);

create index body_officers_body on nomination.body_officers (body_id);

-- Winners of earlier years, by the keyed hash of their ID number. They are not recommended again.
create table nomination.earlier_winners (
    person_hash  bytea primary key check (length(person_hash) = 32),
    year         smallint not null,
    selection_id smallint references nomination.selections  -- null: from a list of earlier years
);

-- A body's recommendation of one person. Triggers keep `state`, `person_hash` and `submitted_at` in
-- line with submissions and reviews.
create table nomination.recommendations (
    id           integer generated always as identity primary key,
    selection_id smallint not null references nomination.selections,
    body_id      smallint not null references nomination.bodies,
    state        text not null default 'draft' check (state in (
                     'draft', 'submitted', 'returned', 'accepted', 'rejected', 'withdrawn')),
    person_hash  bytea check (length(person_hash) = 32),  -- keyed hash of the ID number
    form         bytea not null,         -- nomination/form/model.py, encrypted
    revision     integer not null default 1,
    created_by   integer not null references accounts,
    created_at   timestamptz not null default clock_timestamp(),
    saved_by     integer not null references accounts,
    saved_at     timestamptz not null default clock_timestamp(),
    submitted_at timestamptz
);

create index recommendations_body on nomination.recommendations (selection_id, body_id);
-- A rejected person is not recommended again by any body; a withdrawn one may be.
create unique index recommendations_person_once on nomination.recommendations
    (selection_id, person_hash)
    where state in ('submitted', 'returned', 'accepted', 'rejected');

-- Photo, evidence and scans of stamped pages. Of replaced files only those stay that were submitted.
create table nomination.files (
    id                bigint generated always as identity primary key,
    recommendation_id integer not null references nomination.recommendations,
    slot              text not null check (slot in (
                          'photo', 'evidence', 'employer_scan', 'body_scan')),
    sha256            bytea not null check (length(sha256) = 32),  -- of the bytes before encryption
    media_type        text not null,
    pages             smallint not null check (pages between 1 and 100),
    content           bytea not null check (length(content) between 1 and 33554432),  -- encrypted
    sources           bytea check (length(sources) <= 16384),  -- encrypted: names of the joined files
    is_coarse         boolean not null default false,  -- a photo that prints, but not sharply
    printed_sha256    bytea check (length(printed_sha256) = 32),  -- of what was stamped: the form
                                         -- without its opinions, when stamped pages were added
    added_by          integer not null references accounts,
    added_at          timestamptz not null default clock_timestamp(),
    replaced_at       timestamptz        -- null: the file now in the slot
);

alter table nomination.files alter column content set storage external;

create unique index files_one_a_slot on nomination.files (recommendation_id, slot)
    where replaced_at is null;

-- A recommendation as it was submitted, one row each time. take_submission sets `turn`, `form`, the
-- scans, `submitted_at` and `late_by_approval`.
create table nomination.submissions (
    id                integer generated always as identity primary key,
    recommendation_id integer not null references nomination.recommendations,
    turn              smallint not null,   -- 1 for the first submission
    person_hash       bytea not null check (length(person_hash) = 32),
    form              bytea not null,
    form_sha256       bytea not null check (length(form_sha256) = 32),
    photo_sha256      bytea not null check (length(photo_sha256) = 32),
    evidence_sha256   bytea not null check (length(evidence_sha256) = 32),
    evidence_pages    smallint not null check (evidence_pages between 1 and 10),
    employer_scan_sha256 bytea not null check (length(employer_scan_sha256) = 32),
    body_scan_sha256  bytea not null check (length(body_scan_sha256) = 32),
    submitted_by      integer not null references accounts,
    submitted_at      timestamptz not null,
    late_by_approval  integer references approval_requests,  -- null: in time, or in a return's term
    unique (recommendation_id, turn)
);

-- What reviewers, or the body itself, did with a submission.
create table nomination.reviews (
    id                integer generated always as identity primary key,
    recommendation_id integer not null references nomination.recommendations,
    verdict           text not null check (verdict in (
                          'returned', 'accepted', 'rejected', 'reopened', 'withdrawn')),
    reason            bytea not null,      -- encrypted, as it may name the person
    account_id        integer not null references accounts,
    reviewed_at       timestamptz not null,
    correct_until     timestamptz,         -- of a return: it can be submitted again until then
    constraint reviews_term_whole check ((verdict = 'returned') = (correct_until is not null))
);

create index reviews_recommendation on nomination.reviews (recommendation_id);

-- Who is to review a recommendation: any number of reviewers.
create table nomination.assignments (
    recommendation_id integer not null references nomination.recommendations,
    account_id        integer not null references accounts,
    assigned_by       integer not null references accounts,
    assigned_at       timestamptz not null default clock_timestamp(),
    primary key (recommendation_id, account_id)
);

-- Reviewers' notes on a recommendation.
create table nomination.notes (
    id                integer generated always as identity primary key,
    recommendation_id integer not null references nomination.recommendations,
    content           bytea not null,      -- encrypted
    account_id        integer not null references accounts,
    written_at        timestamptz not null default clock_timestamp()
);

create index notes_recommendation on nomination.notes (recommendation_id);

-- A reviewer's preliminary score of a recommendation. Each reviewer has one, and may change it.
create table nomination.preliminary_scores (
    recommendation_id integer not null references nomination.recommendations,
    account_id        integer not null references accounts,
    score             smallint not null,
    scored_at         timestamptz not null default clock_timestamp(),
    primary key (recommendation_id, account_id)
);

-- Pictures of the joint office's stamp, printed with its opinion (approval_requests: joint_office_opinion). The
-- newest is used for the next one.
create table nomination.joint_office_stamps (
    id           integer generated always as identity primary key,
    selection_id smallint not null references nomination.selections,
    sha256       bytea not null check (length(sha256) = 32),  -- of the bytes before encryption
    content      bytea not null check (length(content) between 1 and 4194304),  -- encrypted
    added_by     integer not null references accounts,
    added_at     timestamptz not null default clock_timestamp()
);

create index joint_office_stamps_selection on nomination.joint_office_stamps (selection_id);

-- A second body tried to recommend a person whom another had recommended; both are shown it.
create table nomination.person_conflicts (
    recommendation_id integer not null references nomination.recommendations,
    holder_id         integer not null references nomination.recommendations,
    noticed_at        timestamptz not null default clock_timestamp(),
    primary key (recommendation_id, holder_id)
);

-- The persons of whom a body's officers asked, by typing an ID number, whether they can still be
-- recommended. It bounds how many numbers a body may try (take_person_lookup); rows last for a day.
create table nomination.person_lookups (
    body_id           smallint not null references nomination.bodies,
    selection_id      smallint not null references nomination.selections,
    person_hash       bytea not null check (length(person_hash) = 32),
    looked_up_at      timestamptz not null default clock_timestamp(),
    primary key (selection_id, body_id, person_hash)
);

-- Public notices, each with a period in which anyone may object. A notice is replaced only by a
-- newer version.
create table notices (
    slug             text not null check (slug ~ '^[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?$'),
    version          smallint not null check (version >= 1),
    content          jsonb not null,      -- nomination/notices/repository.py: Notice
    keys             integer[] not null,  -- the ids of its rows where they come from; never public
    visible_from     timestamptz not null,
    objections_until timestamptz,
    published_at     timestamptz not null default clock_timestamp(),
    constraint notices_once primary key (slug, version),
    constraint notices_period check (objections_until > visible_from)
);

-- The newest submission of each recommendation.
create view nomination.last_submissions with (security_invoker = true) as
    select distinct on (s.recommendation_id)
           s.recommendation_id, s.id, s.turn, s.form, s.form_sha256, s.photo_sha256,
           s.evidence_sha256, s.evidence_pages, s.employer_scan_sha256, s.body_scan_sha256,
           s.submitted_by, s.submitted_at, s.late_by_approval
      from nomination.submissions s
     order by s.recommendation_id, s.turn desc;

-- Rule: the contest of a selection stays.
create function nomination.check_selection() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if old.contest_id is not null and new.contest_id is distinct from old.contest_id then
        raise exception 'the contest of a selection does not change'
            using errcode = 'check_violation', constraint = 'records_stay';
    end if;
    return new;
end
$$;

create trigger check_selection before update on nomination.selections
    for each row execute function nomination.check_selection();

-- Whether an enabled account recommends for a body.
create function nomination.is_officer(account integer, body smallint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select 1 from nomination.body_officers o join accounts a on a.id = o.account_id
                    where o.account_id = account and o.body_id = body and not a.disabled)
$$;

-- When the submission of a recommendation ends: at the deadline, or later where two people permitted
-- that, or where it was returned with a term that ends later.
create function nomination.submission_ends(recommendation integer) returns timestamptz
language sql stable set search_path = public, pg_temp as $$
    select greatest(
               s.closes_at,
               (select max((d.payload ->> 'until')::timestamptz)
                  from approval_requests d
                 where d.selection_id = s.id and d.kind = 'late_submission'
                   and split_part(d.subject, '/', 1) = r.id::text
                   and d.approved_by is not null),
               case when r.state = 'returned' then (
                   select v.correct_until from nomination.reviews v
                    where v.recommendation_id = r.id order by v.id desc limit 1) end)
      from nomination.recommendations r join nomination.selections s on s.id = r.selection_id
     where r.id = recommendation
$$;

-- The account made by a body's invitation becomes its officer.
create function nomination.seat_officer() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into nomination.body_officers (account_id, body_id)
    select new.id, i.body_id
      from nomination.body_invitations i
     where i.token_hash = new.invitation and new.role = 'recommender';
    return null;
end
$$;

create trigger seat_officer after insert on accounts
    for each row execute function nomination.seat_officer();

-- Rule: a form changes only while it is a draft, or was returned.
create function nomination.check_recommendation() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.form is distinct from old.form and old.state not in ('draft', 'returned')
       and not pg_has_role(session_user, (select relowner from pg_class where oid = tg_relid),
                           'member') then
        raise exception 'a submitted form does not change'
            using errcode = 'check_violation', constraint = 'recommendations_fixed';
    end if;
    return new;
end
$$;

create trigger check_recommendation before update on nomination.recommendations
    for each row execute function nomination.check_recommendation();

-- Rules: the same for its files, and a recommendation has at most forty: those in the four slots,
-- and what was submitted and replaced since.
create function nomination.check_file() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select 1 from nomination.recommendations r
                    where r.id = new.recommendation_id and r.state in ('draft', 'returned')
                      for share) then
        raise exception 'a submitted form does not change'
            using errcode = 'check_violation', constraint = 'recommendations_fixed';
    end if;
    if tg_op = 'INSERT' and (select count(*) from nomination.files f
                              where f.recommendation_id = new.recommendation_id) >= 40 then
        raise exception 'this recommendation has forty files'
            using errcode = 'check_violation', constraint = 'files_quota';
    end if;
    return new;
end
$$;

create trigger check_file before insert or update of replaced_at on nomination.files
    for each row execute function nomination.check_file();

-- Rule: a replaced file is deleted unless a submission is about it.
create function nomination.delete_replaced_file() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from nomination.files f
     where f.id = new.id
       and not exists (
               select 1 from nomination.submissions s
                where s.recommendation_id = f.recommendation_id
                  and f.sha256 in (s.photo_sha256, s.evidence_sha256, s.employer_scan_sha256,
                                   s.body_scan_sha256));
    return null;
end
$$;

create trigger delete_replaced_file after update of replaced_at on nomination.files
    for each row when (new.replaced_at is not null)
    execute function nomination.delete_replaced_file();

-- Deletes a draft that was never submitted, with its files. Rule: only by an officer of the body.
create function nomination.delete_draft(draft integer, officer integer) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    recommendation nomination.recommendations;
begin
    select * into recommendation from nomination.recommendations where id = draft for update;
    if recommendation.id is null or recommendation.state <> 'draft' then
        raise exception 'only a draft is deleted'
            using errcode = 'check_violation', constraint = 'recommendations_drafts';
    end if;
    if not nomination.is_officer(officer, recommendation.body_id) then
        raise exception 'only officers of the body delete its drafts'
            using errcode = 'check_violation', constraint = 'submissions_officer';
    end if;
    delete from nomination.files where recommendation_id = draft;
    delete from nomination.person_conflicts where recommendation_id = draft;
    delete from nomination.recommendations where id = draft;
end
$$;

-- Lets a body ask about a person: `new` when it had not asked within a day, `known` when it had, and
-- `too many` when it asked about forty others. Otherwise a body could try the numbers of strangers.
create function nomination.take_person_lookup(selection smallint, body smallint, person bytea)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform 1 from nomination.bodies b where b.id = body for no key update;
    delete from nomination.person_lookups l
     where l.looked_up_at < clock_timestamp() - interval '1 day';
    if exists (select 1 from nomination.person_lookups l
                where l.selection_id = selection and l.body_id = body
                  and l.person_hash = person) then
        return 'known';
    end if;
    if (select count(*) from nomination.person_lookups l where l.body_id = body) >= 40 then
        return 'too many';
    end if;
    insert into nomination.person_lookups (selection_id, body_id, person_hash)
    values (selection, body, person);
    return 'new';
end
$$;

-- Rules of submitting, by the database's clock: only officers of the body, only a draft or a
-- returned form, between opening and the end of its submission, before the shortlist is chosen,
-- nobody who won before, with the files that are attached, both opinions stamped, and within the
-- body's quota.
create function nomination.take_submission() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    arrived constant timestamptz := clock_timestamp();
    recommendation nomination.recommendations;
    selection nomination.selections;
    quota integer;
    used_places integer;
begin
    new.submitted_at := arrived;
    select * into recommendation from nomination.recommendations
     where id = new.recommendation_id for update;
    select * into selection from nomination.selections where id = recommendation.selection_id;
    if recommendation.id is null or recommendation.state not in ('draft', 'returned') then
        raise exception 'only a draft or a returned form can be submitted'
            using errcode = 'check_violation', constraint = 'submissions_state';
    end if;
    if not nomination.is_officer(new.submitted_by, recommendation.body_id) then
        raise exception 'only officers of the body submit'
            using errcode = 'check_violation', constraint = 'submissions_officer';
    end if;
    if arrived < selection.opens_at then
        raise exception 'recommending has not begun'
            using errcode = 'check_violation', constraint = 'submissions_not_open';
    end if;
    -- The approval of the shortlist locks every recommendation first, so one sees the other.
    if exists (select 1 from approval_requests d
                where d.selection_id = selection.id and d.kind = 'shortlist'
                  and d.approved_by is not null) then
        raise exception 'the shortlist has been chosen'
            using errcode = 'check_violation', constraint = 'submissions_after_shortlist';
    end if;
    new.late_by_approval := null;
    if arrived >= nomination.submission_ends(recommendation.id) then
        raise exception 'the deadline has passed'
            using errcode = 'check_violation', constraint = 'submissions_deadline';
    end if;
    if arrived >= selection.closes_at then
        select d.id into new.late_by_approval
          from approval_requests d
         where d.selection_id = selection.id
           and d.kind = 'late_submission'
           and split_part(d.subject, '/', 1) = recommendation.id::text
           and d.approved_by is not null
           and (d.payload ->> 'until')::timestamptz > arrived
         order by d.id limit 1;
    end if;
    if exists (select 1 from nomination.earlier_winners w
                where w.person_hash = new.person_hash) then
        raise exception 'an earlier winner is not recommended again'
            using errcode = 'check_violation', constraint = 'submissions_earlier_winner';
    end if;
    if not exists (select 1 from nomination.files f
                    where f.recommendation_id = recommendation.id and f.replaced_at is null
                      and f.slot = 'photo' and f.sha256 = new.photo_sha256)
       or not exists (select 1 from nomination.files f
                       where f.recommendation_id = recommendation.id and f.replaced_at is null
                         and f.slot = 'evidence' and f.sha256 = new.evidence_sha256
                         and f.pages = new.evidence_pages) then
        raise exception 'photo or evidence is not the attached file'
            using errcode = 'check_violation', constraint = 'submissions_files';
    end if;
    -- One at a time for each body: two officers cannot both take the last place, and no change of
    -- the quotas comes between.
    perform 1 from nomination.bodies b where b.id = recommendation.body_id for no key update;
    select case b.kind when 'district' then s.district_quota else s.department_quota end
      into quota
      from nomination.bodies b, nomination.selections s
     where b.id = recommendation.body_id and s.id = selection.id;
    select count(*) into used_places
      from nomination.recommendations r
     where r.selection_id = selection.id and r.body_id = recommendation.body_id
       and r.id <> recommendation.id
       and r.state in ('submitted', 'returned', 'accepted', 'rejected');
    if used_places >= quota then
        raise exception 'the quota of this body is used up'
            using errcode = 'check_violation', constraint = 'submissions_quota';
    end if;
    new.form := recommendation.form;
    new.employer_scan_sha256 := (
        select f.sha256 from nomination.files f
         where f.recommendation_id = recommendation.id and f.replaced_at is null
           and f.slot = 'employer_scan');
    new.body_scan_sha256 := (
        select f.sha256 from nomination.files f
         where f.recommendation_id = recommendation.id and f.replaced_at is null
           and f.slot = 'body_scan');
    if new.employer_scan_sha256 is null or new.body_scan_sha256 is null then
        raise exception 'an opinion without its stamped page'
            using errcode = 'check_violation', constraint = 'submissions_stamped';
    end if;
    select coalesce(max(s.turn), 0) + 1 into new.turn
      from nomination.submissions s where s.recommendation_id = recommendation.id;
    update nomination.recommendations
       set state = 'submitted', person_hash = new.person_hash, submitted_at = arrived
     where id = recommendation.id;
    return new;
end
$$;

create trigger take_submission before insert on nomination.submissions
    for each row execute function nomination.take_submission();
create trigger submissions_stay before delete or truncate on nomination.submissions
    for each statement execute function refuse_change();

-- Rules of review: who may do what in which state, nothing is withdrawn after the deadline, a return
-- has a term of at most thirty days, and nothing changes once the shortlist is chosen. A returned
-- recommendation is returned again to change its term, and reopened to be judged as it was submitted.
create function nomination.take_review() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    arrived constant timestamptz := clock_timestamp();
    recommendation nomination.recommendations;
    selection nomination.selections;
    next_state text;
begin
    new.reviewed_at := arrived;
    select * into recommendation from nomination.recommendations
     where id = new.recommendation_id for update;
    select * into selection from nomination.selections where id = recommendation.selection_id;
    next_state := case
        when new.verdict in ('returned', 'accepted', 'rejected')
             and recommendation.state = 'submitted' then new.verdict
        when new.verdict = 'returned' and recommendation.state = 'returned' then 'returned'
        when new.verdict = 'reopened'
             and recommendation.state in ('accepted', 'rejected', 'returned') then 'submitted'
        when new.verdict = 'withdrawn' and recommendation.state in ('submitted', 'returned')
             then 'withdrawn'
    end;
    if next_state is null then
        raise exception 'a recommendation in this state cannot be %', new.verdict
            using errcode = 'check_violation', constraint = 'reviews_state';
    end if;
    if new.verdict = 'withdrawn' then
        if not nomination.is_officer(new.account_id, recommendation.body_id) then
            raise exception 'only officers of the body withdraw'
                using errcode = 'check_violation', constraint = 'submissions_officer';
        end if;
    elsif not exists (select 1 from accounts a
                       where a.id = new.account_id and a.role in ('reviewer', 'supervisor')
                         and not a.disabled) then
        raise exception 'only reviewers and supervisors review'
            using errcode = 'check_violation', constraint = 'reviews_reviewers';
    end if;
    if new.verdict = 'withdrawn' and arrived >= selection.closes_at then
        raise exception 'nothing is withdrawn after the deadline'
            using errcode = 'check_violation', constraint = 'reviews_deadline';
    end if;
    if new.verdict = 'returned'
       and (new.correct_until <= arrived
            or new.correct_until > greatest(arrived, selection.closes_at) + interval '30 days') then
        raise exception 'the term of a return ends later, and within thirty days'
            using errcode = 'check_violation', constraint = 'reviews_term';
    end if;
    if exists (select 1 from approval_requests d
                where d.selection_id = selection.id and d.kind = 'shortlist'
                  and d.approved_by is not null) then
        raise exception 'the shortlist has been chosen'
            using errcode = 'check_violation', constraint = 'reviews_after_shortlist';
    end if;
    update nomination.recommendations set state = next_state where id = recommendation.id;
    return new;
end
$$;

create trigger take_review before insert on nomination.reviews
    for each row execute function nomination.take_review();

-- Rules of preliminary scores: by reviewers, from 0 to the selection's maximum, of what is submitted,
-- until the shortlist is chosen.
create function nomination.take_preliminary_score() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    recommendation nomination.recommendations;
    highest integer;
begin
    new.scored_at := clock_timestamp();
    select * into recommendation from nomination.recommendations
     where id = new.recommendation_id for share;
    select (s.rules ->> 'preliminary_score_max')::integer into highest
      from nomination.selections s where s.id = recommendation.selection_id;
    if recommendation.id is null or recommendation.state in ('draft', 'withdrawn') then
        raise exception 'a recommendation in this state is not scored'
            using errcode = 'check_violation', constraint = 'reviews_state';
    end if;
    if not exists (select 1 from accounts a
                    where a.id = new.account_id and a.role in ('reviewer', 'supervisor')
                      and not a.disabled) then
        raise exception 'only reviewers and supervisors score'
            using errcode = 'check_violation', constraint = 'reviews_reviewers';
    end if;
    if new.score not between 0 and highest then
        raise exception 'a score is from 0 to %', highest
            using errcode = 'check_violation', constraint = 'preliminary_scores_range';
    end if;
    if exists (select 1 from approval_requests d
                where d.selection_id = recommendation.selection_id and d.kind = 'shortlist'
                  and d.approved_by is not null) then
        raise exception 'the shortlist has been chosen'
            using errcode = 'check_violation', constraint = 'reviews_after_shortlist';
    end if;
    return new;
end
$$;

create trigger take_preliminary_score before insert or update on nomination.preliminary_scores
    for each row execute function nomination.take_preliminary_score();
create trigger preliminary_scores_stay before delete or truncate on nomination.preliminary_scores
    for each statement execute function refuse_change();
create trigger reviews_stay before delete or truncate on nomination.reviews
    for each statement execute function refuse_change();
create trigger notes_stay before update or delete or truncate on nomination.notes
    for each statement execute function refuse_change();
create trigger joint_office_stamps_stay before update or delete or truncate on nomination.joint_office_stamps
    for each statement execute function refuse_change();
create trigger notices_stay before update or delete or truncate on notices
    for each statement execute function refuse_change();

grant select on nomination.selections, nomination.bodies, nomination.body_invitations,
                nomination.body_officers, nomination.earlier_winners, nomination.recommendations,
                nomination.files, nomination.submissions, nomination.last_submissions,
                nomination.reviews, nomination.assignments, nomination.notes,
                nomination.preliminary_scores,
                nomination.joint_office_stamps, nomination.person_conflicts, notices
    to voting_staff;
grant select on nomination.selections, nomination.bodies, nomination.body_officers,
                nomination.recommendations, nomination.files, nomination.submissions,
                nomination.last_submissions, nomination.reviews, nomination.assignments,
                nomination.preliminary_scores, nomination.joint_office_stamps
    to voting_jobs;
grant select on notices to voting_public;
grant insert (slug, rules, opens_at, closes_at, district_quota, department_quota),
      update (contest_id)
    on nomination.selections to voting_staff;
grant insert (slug, kind, name) on nomination.bodies to voting_staff;
grant insert on nomination.body_invitations to voting_staff;
grant insert (selection_id, body_id, form, created_by, saved_by),
      update (form, revision, saved_by, saved_at)
    on nomination.recommendations to voting_staff;
grant insert (recommendation_id, slot, sha256, media_type, pages, content, added_by, sources,
              is_coarse, printed_sha256),
      update (replaced_at)
    on nomination.files to voting_staff;
grant insert (recommendation_id, person_hash, form_sha256, photo_sha256, evidence_sha256,
              evidence_pages, submitted_by)
    on nomination.submissions to voting_staff;
grant insert (recommendation_id, verdict, reason, account_id, correct_until) on nomination.reviews
    to voting_staff;
grant insert (recommendation_id, account_id, assigned_by), delete on nomination.assignments
    to voting_staff;
grant insert (recommendation_id, content, account_id) on nomination.notes to voting_staff;
grant insert (recommendation_id, account_id, score), update (score)
    on nomination.preliminary_scores to voting_staff;
grant insert (selection_id, sha256, content, added_by) on nomination.joint_office_stamps to voting_staff;
grant execute on function nomination.submission_ends(integer),
    nomination.delete_draft(integer, integer),
    nomination.take_person_lookup(smallint, smallint, bytea) to voting_staff;
grant insert (recommendation_id, holder_id) on nomination.person_conflicts to voting_staff;
grant insert (slug, version, content, keys, visible_from, objections_until) on notices
    to voting_staff;
