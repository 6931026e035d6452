-- name: insert_notice
-- The next version under this slug; of two concurrent ones the second fails.
insert into notices (slug, version, content, keys, visible_from, objections_until)
select $1, coalesce(max(n.version), 0) + 1, $2, $3, $4, $5
  from notices n where n.slug = $1
returning version;

-- name: notice_versions
-- Every visible version, newest last.
select version, content, published_at
  from notices
 where slug = $1 and visible_from <= $2
 order by version;

-- name: notices
-- The newest visible version of each notice.
select n.content
  from (select distinct on (slug) slug, content, visible_from
          from notices
         where visible_from <= $1
         order by slug, version desc) as n
 order by n.visible_from desc, n.slug;
