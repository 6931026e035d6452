"""What it means to a person when the database refuses something."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
    SecondPersonRequired,
    TallyOfAnotherCluster,
    VotingError,
)

CONSTRAINT_ERRORS: Mapping[str, VotingError] = {
    "contests_slug_key": InvalidInput(Fault("slug", "a contest of this name exists already")),
    "platforms_slug_key": InvalidInput(Fault("slug", "a platform of this name exists already")),
    "accounts_name_key": InvalidInput(
        Fault("name", "an account of this name exists already", "该姓名已有账号。")
    ),
    "decisions_two_people": SecondPersonRequired(
        "the person who proposed this cannot approve it; ask a second person",
        zh="这是您的提议，须由另一位同事批准。",
    ),
    "decisions_approved_once": Refused("this was decided already", zh="此事已有决定。"),
    "decisions_selection_once": Refused("this was decided already", zh="此事已有决定。"),
    "decisions_one_end": Refused("this was decided already", zh="此事已有决定。"),
    "decisions_deciders": Refused(
        "only supervisors who are active decide, with tally clerks about the vote and with "
        "reviewers about the selection",
        zh="只有在职的监督员，以及计票员（投票事项）或审核员（选树事项）可以提议和批准。",
    ),
    "holds_once": Refused(
        "exactly these ballots were put on hold already",
        zh="同样的这些选票已经列为存疑，请在“存疑与裁定”中查看。",
    ),
    "rulings_turn": Refused(
        "the hold was ruled on meanwhile; look at it again and propose anew",
        zh="这组存疑选票刚刚已有裁定。请重新查看；如仍有必要，请重新提议。",
    ),
    "contests_rules_fixed": Refused("the rules of the ballot are fixed since voting opened"),
    "contests_stay_closed": Refused("a contest that closed stays closed"),
    "publications_unruled": Refused(
        "ballots are still in question: rule every hold, then propose the publication again",
        zh="还有存疑选票没有裁定。请逐一裁定，然后重新提议公布。",
    ),
    "invitations_not_oneself": Refused(
        "nobody renews their own account; ask another administrator",
        zh="不能重置自己的登录方式，请联系另一位管理员。",
    ),
    "invitations_two_people": SecondPersonRequired(
        "whoever made an invitation, or is renewed by it, cannot approve it; ask a second person",
        zh="邀请人和被重置的本人不能批准该邀请，请由另一位同事批准。",
    ),
    "invitations_approvers": Refused(
        "only supervisors and administrators who are active approve invitations",
        zh="只有在职的监督员和管理员可以批准邀请。",
    ),
    "accounts_two_people": SecondPersonRequired(
        "such an account takes two people: an administrator invites (`account invite`) and "
        "another administrator or a supervisor approves (`account approve`)",
        zh="建立或重置此类账号须由两人完成：一位管理员邀请，另一位管理员或监督员批准。",
    ),
    "accounts_stay_disabled": Refused(
        "a disabled account stays disabled; invite them anew",
        zh="停用的账号不能恢复，请重新邀请。",
    ),
    "accounts_openid_subject_key": Refused(
        "another account is connected with this user", zh="该单位账号已关联另一个账号。"
    ),
    "tally_floors_cluster": TallyOfAnotherCluster(
        "the kept tally was made in another PostgreSQL cluster: this database was restored from a "
        "dump, or moved by pg_upgrade. No ballot is lost; run `voting-service tally rebuild "
        "CONTEST` once to count them here",
        zh="计票数据来自另一套数据库（由备份转储恢复或升级而来），选票没有丢失。"
        "请管理员运行一次 voting-service tally rebuild CONTEST，之后即可继续计票。",
    ),
    "records_stay": Refused("records are only ever added to"),
    "selections_slug_key": InvalidInput(Fault("slug", "a selection of this name exists already")),
    "selections_contest_key": Refused(
        "this contest belongs to another selection", zh="该投票活动已属于另一次选树。"
    ),
    "selections_rules_stay": Refused(
        "recommending has begun: quotas, dates and rules stay as they were announced",
        zh="推荐已经开始，名额、时间和规则不能再改。",
    ),
    "bodies_slug_key": InvalidInput(
        Fault("slug", "a body of this name exists already", "该标识已被使用。")
    ),
    "recommendations_fixed": Refused(
        "what was submitted stays as it is; the joint office can return it for correction",
        zh="已提交的材料不能修改；如需更正，请联系市高技办退回。",
    ),
    "recommendations_person_once": Refused(
        "this person is recommended already, here or by another district or department",
        zh="该人选已被推荐（本单位或其他区县、部门）。",
    ),
    "submissions_state": Refused(
        "this was submitted meanwhile; load the page anew", zh="该推荐刚刚已提交，请刷新页面。"
    ),
    "submissions_officer": Refused(
        "only an officer of the body that recommends does this",
        zh="只有推荐单位的经办人可以办理。",
    ),
    "submissions_not_open": Refused(
        "recommending has not begun; the draft is kept", zh="推荐尚未开始，草稿已保存。"
    ),
    "submissions_deadline": Refused(
        "the deadline has passed and late submissions are not accepted; the draft is kept. The "
        "joint office can permit an exception, with a reason and by two people",
        zh="已过截止时间，逾期不予受理；草稿已保存。确有特殊原因的，可由市高技办两人批准后补报。",
    ),
    "submissions_after_picks": Refused(
        "the selection has been made; nothing more is submitted, and the draft is kept",
        zh="人选已经确定，不再受理推荐；草稿已保存。",
    ),
    "submissions_earlier_winner": Refused(
        "this person was chosen in an earlier year and may not be recommended again",
        zh="该人选往年已入选最美巴渝工匠，不再参加推荐。",
    ),
    "submissions_files": Refused(
        "the photo or the evidence was replaced meanwhile; look at it again and submit anew",
        zh="照片或证明材料刚刚被替换，请核对后重新提交。",
    ),
    "submissions_quota": Refused(
        "every place of this body is taken; the draft is kept. Withdraw another recommendation "
        "first, or leave it at those",
        zh="本单位的推荐名额已满，草稿已保存。如需推荐此人，请先撤回另一份推荐。",
    ),
    "reviews_state": Refused(
        "this recommendation is in another state meanwhile; load the page anew",
        zh="该推荐的状态刚刚已改变，请刷新页面。",
    ),
    "reviews_reviewers": Refused(
        "only reviewers and supervisors who are active review",
        zh="只有在职的审核员和监督员可以审核。",
    ),
    "reviews_deadline": Refused(
        "the deadline has passed: nothing is returned or withdrawn any more",
        zh="已过截止时间，不能再退回或撤回。",
    ),
    "reviews_after_picks": Refused(
        "the selection has been made; what was reviewed stays",
        zh="人选已经确定，审核结果不再更改。",
    ),
    "panel_own_session": Refused(
        "only the experts of this panel do this, each with the own session",
        zh="只有本次评审的专家本人可以操作。",
    ),
    "panel_conflict_late": Refused(
        "the scores are open already: conflicts of interest were to be named before",
        zh="评分已经公开，不能再申报回避。",
    ),
    "panel_candidates": Refused("this is no candidate of the panel", zh="该编号不是评审候选人。"),
    "panel_round_not_begun": Refused(
        "this round has not begun; the panel's page says what comes first",
        zh="这一轮评审尚未开始，请查看评审首页。",
    ),
    "panel_round_over": Refused(
        "this round is over and its sheets stay as they are",
        zh="这一轮评审已经结束，评分不能再改。",
    ),
    "panel_absent": Refused(
        "whoever handed in no scores in the first round takes no further part",
        zh="第一轮没有提交评分的专家不参加后续评审。",
    ),
    "panel_submitted": Refused(
        "this sheet was handed in and stays as it is", zh="评分表已经提交，不能再改。"
    ),
    "panel_conflict": Refused(
        "the sheet names a candidate whom you do not judge; load the page anew",
        zh="评分表中有您须回避的候选人，请刷新页面。",
    ),
    "panel_points": Refused(
        "points are missing or outside their bounds; look at the marked fields",
        zh="有评分未填写或超出范围，请检查后再提交。",
    ),
    "panel_sealed": Refused(
        "scores are sealed until every expert has handed in, or two people close the round",
        zh="全部专家提交之前，或经两人批准结束本轮之前，评分封存，任何人不能查看。",
    ),
    "panel_minimum": Refused(
        "fewer experts have handed in than the rules ask for; wait for them, or appoint more",
        zh="提交评分的专家少于规则规定的最低人数，请等待或增聘专家。",
    ),
    "panel_rules_fixed": Refused(
        "scoring has begun: criteria, weights and method stay as they are",
        zh="评分已经开始，评审规则不能再改。",
    ),
    "panel_rules_whole": Refused(
        "rules name at least one criterion and a minimum of experts",
        zh="评审规则须有至少一项评分标准和最低专家人数。",
    ),
    "awards_before_scores": Refused(
        "the panel has not finished scoring; a result comes after",
        zh="评审尚未结束，不能确定结果。",
    ),
    "awards_exactly": Refused(
        "a result names exactly as many winners and nominees as were announced, each once, all of "
        "them from the published cut",
        zh="结果须恰为公告规定的当选和提名人数，不得重复，且均来自公布的入围名单。",
    ),
    "award_results_two_people": SecondPersonRequired(
        "a result is published as two people approved it, and at the moment they approved",
        zh="结果须经两人批准，并按批准的内容和时间公布。",
    ),
    "certificates_awarded": Refused(
        "certificates are for those whom the result names", zh="只能为结果中的人员制发证书。"
    ),
    "certificates_once": Refused(
        "these certificates were numbered this moment; load the page anew",
        zh="证书刚刚已经编号，请刷新页面。",
    ),
    "picks_exact": Refused(
        "exactly as many accepted recommendations are chosen as were announced, each once",
        zh="须从已通过的推荐中确定公布的人数，不多不少，不得重复。",
    ),
    "picks_reviewed": Refused(
        "recommending must be over and everything that was submitted reviewed before the choice",
        zh="须在推荐截止、全部已提交的推荐审核完毕之后确定人选。",
    ),
    "picks_replacement": Refused(
        "a replacement takes an upheld objection about one of the chosen, and somebody who was "
        "accepted and not chosen yet",
        zh="只有异议成立的人选可以递补，递补人选须已通过审核且未入选。",
    ),
    "picks_replacement_before_numbers": Refused(
        "what decides the numbers is known by now: enter its digits and draw the numbers first, "
        "then approve the replacement",
        zh="号码来源已经揭晓，请先录入号码、抽定编号，再批准递补。",
    ),
    "picks_handed_over": Refused(
        "the chosen were handed over to the vote; nothing about them changes any more",
        zh="人选已移交公众投票，不能再更改。",
    ),
    "draw_source_ahead": Refused(
        "the moment at which the source is known must still be ahead when it is approved; name a "
        "later one",
        zh="批准时，号码来源的揭晓时间须尚未到来，请改定更晚的时间。",
    ),
    "draw_order": Refused(
        "first two people choose, then name the source before it is known; its digits are entered "
        "once they are known",
        zh="须先确定人选，再在揭晓之前公布号码来源，揭晓之后才能录入号码。",
    ),
    "objections_about_a_pick": Refused(
        "say which of the chosen the objection is about; only such an objection can be upheld",
        zh="请指明异议针对哪一位人选；未指明人选的异议不能认定成立。",
    ),
    "objections_two_people": SecondPersonRequired(
        "whoever entered an objection cannot uphold it; ask a second person",
        zh="登记异议的人不能认定其成立，请由另一位同事答复。",
    ),
    "hand_over_numbers": Refused(
        "choose, and draw the numbers, before the hand-over", zh="请先确定人选并抽定编号，再移交。"
    ),
    "hand_over_notice": Refused(
        "each of the chosen must stand in a public notice; publish it, anew after a replacement",
        zh="全部人选须先公示；递补之后须重新发布公示。",
    ),
    "hand_over_period": Refused(
        "the notice period is not over yet", zh="公示期尚未届满，不能移交。"
    ),
    "hand_over_objections": Refused(
        "an objection is not answered yet; answer every one first",
        zh="还有异议没有答复，请逐一答复后再移交。",
    ),
    "hand_over_replacement": Refused(
        "an objection was upheld; two people choose somebody else instead first",
        zh="有异议成立，请先由两人确定递补人选。",
    ),
    "hand_over_two_people": SecondPersonRequired(
        "two people hand the chosen over to the vote", zh="移交公众投票须由两人完成。"
    ),
    "notices_once": Refused(
        "somebody published this notice this moment; look at it first",
        zh="刚刚已有人发布，请刷新页面查看。",
    ),
}
"""Constraint name to the domain error it means; the names are given in migrations/."""
