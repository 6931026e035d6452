-- What is shown of a candidate now: place 0 is the portrait, the others follow in their order.
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

-- The bytes, under a name that never means other bytes. A picture that was replaced stays, for
-- pages that are still open; taking a candidate's pictures away deletes its files too.
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

-- They are packed already; trying again costs time at every read.
alter table picture_files alter column content set storage external;

-- Where a platform shows the profiles, for `release probe`; {number} stands for the candidate's.
alter table platforms add column profile_url text;

grant select, insert, update, delete on pictures to voting_application;
grant select, insert, delete on picture_files to voting_application;
