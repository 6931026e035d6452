-- name: insert_result
-- A version of the result; the table refuses what two people did not approve.
insert into award_results
    (contest_id, version, document, approval_id, published_at, visible_from, objections_until)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: results
-- Every version, oldest first.
select version, document, published_at, coalesce(visible_from, published_at) as visible_at
  from award_results
 where contest_id = $1
 order by version;

-- name: publicity
-- The texts about each person.
select number, story, quotation, video_url, revision
  from award_publicity
 where contest_id = $1;

-- name: save_publicity
-- Replaces only the revision that was edited; returns nothing when there is a newer one.
insert into award_publicity as p
    (contest_id, number, story, quotation, video_url, saved_by, saved_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (contest_id, number) do update
   set story = excluded.story, quotation = excluded.quotation, video_url = excluded.video_url,
       saved_by = excluded.saved_by, saved_at = excluded.saved_at, revision = p.revision + 1
 where p.revision = $8
returning revision;

-- name: certificates
-- Every certificate of a contest, by serial number.
select contest_id, serial, number, award, code, issued_at
  from certificates
 where contest_id = $1
 order by serial;

-- name: insert_certificate
-- A new certificate; the table refuses anybody whom no result names.
insert into certificates (contest_id, serial, number, award, code, issued_at)
values ($1, $2, $3, $4, $5, $6);

-- name: find_certificate
-- By the code on the printed certificate alone.
select contest_id, serial, number, award, code, issued_at from certificates where code = $1;

-- name: save_album
-- The album of a version of the result, in place of an earlier one of the same version.
insert into award_albums (contest_id, language, version, content, shown_from)
values ($1, $2, $3, $4, $5)
on conflict (contest_id, language, version) do update
   set content = excluded.content, shown_from = excluded.shown_from;

-- name: album
-- The album of a version of the result.
select content from award_albums where contest_id = $1 and language = $2 and version = $3;

-- name: album_since
-- Since when the album is this one.
select shown_from from award_albums where contest_id = $1 and language = $2 and version = $3;

-- name: albums
-- The languages that have an album of a version of the result.
select language from award_albums where contest_id = $1 and version = $2 order by language;

-- name: save_portrait
-- A portrait for print, in place of an earlier one.
insert into award_portraits (contest_id, number, content, saved_by, saved_at)
values ($1, $2, $3, $4, $5)
on conflict (contest_id, number) do update
   set content = excluded.content, saved_by = excluded.saved_by, saved_at = excluded.saved_at;

-- name: portrait
-- A portrait for print.
select content from award_portraits where contest_id = $1 and number = $2;
