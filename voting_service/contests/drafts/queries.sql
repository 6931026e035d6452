-- name: insert
-- A new draft; its slug is no other draft's.
insert into contest_drafts (slug, content, saved_by, saved_at) values ($1, $2, $3, $4)
returning id;

-- name: drafts
-- Every draft that is neither announced nor discarded, newest first.
select d.id, d.slug, d.content, d.revision, a.name as saved_by, d.saved_at
  from contest_drafts d
  join accounts a on a.id = d.saved_by
 where d.content is not null
 order by d.id desc;

-- name: draft
-- One of them.
select d.id, d.slug, d.content, d.revision, a.name as saved_by, d.saved_at
  from contest_drafts d
  join accounts a on a.id = d.saved_by
 where d.id = $1 and d.content is not null;

-- name: lock
-- Keeps everybody else from changing a draft until the end of the transaction.
select revision from contest_drafts where id = $1 and content is not null for update;

-- name: update
-- New content, unless somebody saved the draft since the revision $2.
update contest_drafts
   set slug = $3, content = $4, revision = revision + 1, saved_by = $5, saved_at = $6
 where id = $1 and revision = $2 and content is not null
returning revision;

-- name: discard
-- Ends a draft, unless somebody saved it since the revision $2.
update contest_drafts set content = null, discarded_at = $3
 where id = $1 and revision = $2 and content is not null
returning id;

-- name: announce
-- Ends a draft as the contest that it became.
update contest_drafts set content = null, contest_id = $2 where id = $1 and content is not null
returning id;

-- name: pictures
-- The pictures of a draft, each portrait before the others.
select number, place, name, hash, width, height, caption
  from draft_pictures
 where draft_id = $1
 order by number, place;

-- name: remove_picture
-- Makes room for another picture of the candidate, in the same place.
delete from draft_pictures where draft_id = $1 and number = $2 and place = $3;

-- name: insert_picture
-- A picture in its place.
insert into draft_pictures (draft_id, number, place, name, hash, width, height, caption)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: insert_files
-- The files of a picture; existing ones are the same.
insert into draft_picture_files (draft_id, hash, width, format, content)
select $1, $2, width, format, content
  from unnest($3::smallint[], $4::text[], $5::bytea[]) as file (width, format, content)
on conflict do nothing;

-- name: remove_pictures_except
-- Removes the pictures of candidates whose number is not in $2.
delete from draft_pictures where draft_id = $1 and number <> all ($2::smallint[])
returning number;

-- name: remove_unused_files
-- Removes the files of pictures that are gone.
delete from draft_picture_files f
 where f.draft_id = $1
   and not exists (
       select 1 from draft_pictures p where p.draft_id = f.draft_id and p.hash = f.hash);

-- name: files
-- All files of the pictures of a draft.
select hash, width, format, content from draft_picture_files where draft_id = $1 order by hash, width;

-- name: file
-- One of them.
select content
  from draft_picture_files
 where draft_id = $1 and hash = $2 and width = $3 and format = $4;

-- name: logo
-- The logo of a draft.
select hash, width, height, content from draft_logos where draft_id = $1;

-- name: remove_logo
-- Removes it.
delete from draft_logos where draft_id = $1;

-- name: insert_logo
-- A logo for a draft without one.
insert into draft_logos (draft_id, hash, width, height, content) values ($1, $2, $3, $4, $5);

-- name: slugs_taken
-- The slugs of all contests.
select slug from contests;
