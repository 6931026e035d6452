-- name: pictures
-- The pictures of the candidates of a contest, each portrait before the others.
select number, place, hash, width, height, caption
  from pictures
 where contest_id = $1
 order by number, place;

-- name: owners
-- The contests that a picture belongs to: pictures that are shown, those that the public saw before a
-- correction that does not hide it, and the logos of contests; none for the logos of platforms.
with earlier as (
    select k.contest_id, k.number, p.picture ->> 'hash' as hash,
           k.before_hidden
           or k.corrected_at < coalesce((c.rules ->> 'publish_at')::timestamptz, c.opens_at)
           as is_hidden
      from profile_corrections k
      join contests c on c.id = k.contest_id
     cross join jsonb_array_elements(k.before -> 'pictures') as p (picture)
)
select distinct f.hash, f.contest_id
  from picture_files f
 where exists (select from pictures p
                where p.contest_id = f.contest_id and p.number = f.number and p.hash = f.hash)
    or (select bool_and(not e.is_hidden) from earlier e
         where e.contest_id = f.contest_id and e.number = f.number and e.hash = f.hash)
union
select hash, contest_id from contest_logos
union
select logo ->> 'hash', null from platforms where logo is not null;

-- name: file
-- One size in one format; its bytes are the same for every owner.
select content from picture_files where hash = $1 and width = $2 and format = $3
union all
select content from contest_logos where hash = $1 and width = $2 and $3 = 'png'
union all
select content from logo_files where hash = $1 and width = $2 and $3 = 'png'
 limit 1;

-- name: files_shown
-- The files of all pictures that are shown now, for the release pack.
select distinct on (f.hash, f.width, f.format) f.hash, f.width, f.format, f.content
  from picture_files f
  join pictures p using (contest_id, number, hash)
 where f.contest_id = $1
 order by f.hash, f.width, f.format;

-- name: touch_contest
-- Makes every worker reload the contest; also serializes changes of its pictures.
update contests set revision = revision + 1 where id = $1;

-- name: insert_files
-- The files of a picture; existing ones are the same.
insert into picture_files (contest_id, number, hash, width, format, content)
select $1, $2, $3, width, format, content
  from unnest($4::smallint[], $5::text[], $6::bytea[]) as file (width, format, content)
on conflict do nothing;

-- name: set_portrait
-- Sets the portrait.
insert into pictures (contest_id, number, place, hash, width, height)
values ($1, $2, 0, $3, $4, $5)
on conflict (contest_id, number, place) do update
   set hash = excluded.hash, width = excluded.width, height = excluded.height;

-- name: set_logo
-- Sets the logo of a contest.
insert into contest_logos (contest_id, hash, width, height, content)
values ($1, $2, $3, $4, $5)
on conflict (contest_id) do update
   set hash = excluded.hash, width = excluded.width, height = excluded.height,
       content = excluded.content;

-- name: use_logo_file
-- Sets the logo of a contest to a stored file of this height.
insert into contest_logos (contest_id, hash, width, height, content)
select $1, hash, width, $3, content from logo_files where hash = $2
on conflict (contest_id) do update
   set hash = excluded.hash, width = excluded.width, height = excluded.height,
       content = excluded.content
returning contest_id;

-- name: remove_logo
-- Removes the logo of a contest.
delete from contest_logos where contest_id = $1;

-- name: insert_logo_file
-- The bytes of a logo that a platform or a contest may have; existing ones are the same.
insert into logo_files (hash, width, content) values ($1, $2, $3)
on conflict do nothing;

-- name: add_picture
-- One more picture at the end, unless there are $7 already; returns its place.
insert into pictures (contest_id, number, place, hash, width, height, caption)
select $1, $2, coalesce(max(place), 0) + 1, $3, $4, $5, $6
  from pictures
 where contest_id = $1 and number = $2 and place > 0
having count(*) < $7
returning place;

-- name: remove_pictures
-- Deletes the pictures of a candidate.
delete from pictures where contest_id = $1 and number = $2;

-- name: remove_files
-- Deletes all picture files of a candidate, including replaced ones.
delete from picture_files where contest_id = $1 and number = $2;
