-- name: insert_expert_invitation
-- The invitation's account will be an expert of the selection, whom the employer tells apart.
with named as (update invitations set unit = $3 where token_hash = $1)
insert into nomination.expert_invitations (token_hash, selection_id, employer, body_id)
values ($1, $2, $3, $4);

-- name: experts
-- Everybody appointed, in the order of their accounts.
select e.account_id, a.name, a.disabled, e.employer, e.body_id
  from nomination.experts e join accounts a on a.id = e.account_id
 where e.selection_id = $1
 order by e.account_id;

-- name: conflicts
-- The conflicts of interest of all experts, without those withdrawn.
select c.account_id, c.number, c.ground, c.reason, c.noticed_at
  from nomination.panel_conflicts c join nomination.experts e on e.account_id = c.account_id
 where e.selection_id = $1 and c.withdrawn_at is null
 order by c.account_id, c.number;

-- name: insert_detected_conflicts
-- Conflicts by employer or body; known ones stay as they are.
insert into nomination.panel_conflicts (account_id, number, ground)
select $1, conflict.number, conflict.ground
  from unnest($2::smallint[], $3::text[]) as conflict (number, ground)
 where not exists (select 1 from nomination.panel_conflicts c
                    where c.account_id = $1 and c.number = conflict.number
                      and c.withdrawn_at is null)
on conflict do nothing;

-- name: declare_conflict
-- Declared by the expert, whom the session's token identifies.
select nomination.declare_conflict($1, $2, $3, $4);

-- name: withdraw_conflict
-- Withdrawn by the expert, whom the session's token identifies.
select nomination.withdraw_conflict($1, $2, $3);

-- name: reopen_sheet
-- Reopened by the joint office or the chair, whom the session's token identifies.
select nomination.reopen_sheet($1, $2, $3, $4);

-- name: rounds
-- The rounds that are over.
select round, ended_at, approval_id
  from nomination.panel_rounds
 where selection_id = $1
 order by round;

-- name: sheets
-- The state of every sheet, without its content.
select round, account_id, saved_at, submitted_at, reopened_at,
       nomination.sheet_progress(selection_id, round, account_id) as scored
  from nomination.panel_sheets
 where selection_id = $1
 order by round, account_id;

-- name: own_sheet
-- The expert's own sheet, by the session's token.
select nomination.own_sheet($1, $2, $3);

-- name: save_sheet
-- Store a draft, or submit it.
select nomination.save_sheet($1, $2, $3, $4, $5);

-- name: read_sheets
-- The content of all sheets of a round, once it is over.
select account_id, content from nomination.read_sheets($1, $2);

-- name: numbered_recommendations
-- The recommendation of each candidate's number.
select p.number, p.recommendation_id
  from nomination.shortlist_entries p
 where p.selection_id = $1 and p.removed_by is null and p.number is not null;
