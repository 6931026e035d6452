-- name: prepare_session
-- Makes commits of this session wait for the disk (and a configured standby), whatever database or
-- role set; remote_apply, which waits longer, stays. Sets the parameters $1 to the values $2. Returns
-- whether the server is a standby, and its settings that lose commits in a crash; none if
-- voting.allow_data_loss is on.
select set_config('synchronous_commit',
                  case when current_setting('synchronous_commit') = 'remote_apply'
                       then 'remote_apply' else 'on' end, false) as synchronous_commit,
       array(select set_config(p.name, p.value, false)
               from unnest($1::text[], $2::text[]) as p (name, value)) as parameters,
       pg_is_in_recovery() as is_standby,
       array(select s.name
               from (values ('fsync'), ('full_page_writes')) as s (name)
              where current_setting(s.name) <> 'on'
                and coalesce(current_setting('voting.allow_data_loss', true), '') <> 'on')
           as switched_off;
