-- name: prepare_session
-- Commits of this session wait for the disk (and for the standby, where one is configured),
-- whatever database or role say; remote_apply waits for more, and stays. Returns the names of the
-- server's settings that lose commits in a crash; none where voting.allow_data_loss is on.
select set_config('synchronous_commit',
                  case when current_setting('synchronous_commit') = 'remote_apply'
                       then 'remote_apply' else 'on' end, false) as synchronous_commit,
       array(select s.name
               from (values ('fsync'), ('full_page_writes')) as s (name)
              where current_setting(s.name) <> 'on'
                and coalesce(current_setting('voting.allow_data_loss', true), '') <> 'on')
           as switched_off;
