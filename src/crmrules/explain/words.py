"""The fixed words of explanations and reports, in every language that we ship."""

from __future__ import annotations

from collections.abc import Mapping

from crmrules.model.text import Text, text

WORDS: Mapping[str, Text] = {
    # values
    "unknown": text("未知", "unknown"),
    "missing": text("缺失", "missing"),
    "true": text("是", "yes"),
    "false": text("否", "no"),
    "empty": text("(空)", "(empty)"),
    # tests of a leaf: {field}, {value}
    "eq": text("{field} = {value}", "{field} is {value}"),
    "ne": text("{field} ≠ {value}", "{field} is not {value}"),
    "lt": text("{field} < {value}", "{field} < {value}"),
    "lte": text("{field} ≤ {value}", "{field} ≤ {value}"),
    "gt": text("{field} > {value}", "{field} > {value}"),
    "gte": text("{field} ≥ {value}", "{field} ≥ {value}"),
    "among": text("{field} 属于 {value}", "{field} is one of {value}"),
    "between": text("{field} 在 {value} 之间", "{field} is between {value}"),
    "matches": text("{field} 匹配 {value}", "{field} matches {value}"),
    "has": text("{field} 包含 {value}", "{field} contains {value}"),
    "is_missing": text("{field} 缺失", "{field} is missing"),
    "within": text("{field} 在最近 {value} 天内", "{field} is within the last {value} days"),
    "older_than": text("{field} 早于 {value} 天前", "{field} is more than {value} days ago"),
    "not.eq": text("{field} ≠ {value}", "{field} is not {value}"),
    "not.ne": text("{field} = {value}", "{field} is {value}"),
    "not.lt": text("{field} ≥ {value}", "{field} ≥ {value}"),
    "not.lte": text("{field} > {value}", "{field} > {value}"),
    "not.gt": text("{field} ≤ {value}", "{field} ≤ {value}"),
    "not.gte": text("{field} < {value}", "{field} < {value}"),
    "not.among": text("{field} 不属于 {value}", "{field} is none of {value}"),
    "not.between": text("{field} 不在 {value} 之间", "{field} is not between {value}"),
    "not.matches": text("{field} 不匹配 {value}", "{field} does not match {value}"),
    "not.has": text("{field} 不包含 {value}", "{field} does not contain {value}"),
    "not.is_missing": text("{field} 有值", "{field} is present"),
    "not.within": text("{field} 不在最近 {value} 天内", "{field} is not within the last {value} days"),
    "not.older_than": text("{field} 不早于 {value} 天前", "{field} is not more than {value} days ago"),
    "times": text("{field} × {factor}", "{factor} × {field}"),
    "holds.yes": text("成立", "true"),
    "holds.no": text("不成立", "false"),
    "holds.unknown": text("无法判断", "can't be told"),
    # what would change it
    "probe.reached": text("{field}达到 {value}", "{field} reached {value}"),
    "probe.down_to": text("{field}降至 {value}", "{field} fell to {value}"),
    "probe.above": text("{field}超过 {value}", "{field} rose above {value}"),
    "probe.below": text("{field}低于 {value}", "{field} fell below {value}"),
    "probe.known": text("{field}为 {value}", "{field} were {value}"),
    "probe.date": text("{field}为 {value}", "{field} were {value}"),
    "flip.value": text(
        "若{change}(现为 {actual}),则为「{outcome}」", "if {change} (now {actual}), it would be “{outcome}”"
    ),
    "flip.days": text(
        "再过 {days} 天、其他不变,则为「{outcome}」",
        "after {days} more days with nothing else changed, it would be “{outcome}”",
    ),
    "flip.band": text(
        "「{family}」类证据若达 {weight},得分为 {score},置信度升至「{band}」",
        "evidence of the family “{family}” worth {weight} would make the score {score} and the band “{band}”",
    ),
    "flip.decay": text(
        "若无新证据,再过 {days} 天置信度降至「{band}」",
        "without new evidence the band falls to “{band}” after {days} more days",
    ),
    "flip.gap": text("距「{band}」还差 {gap} 分", "{gap} short of “{band}”"),
    "flip.families": text(
        "「{band}」需要 {needed} 类独立证据,现有 {present} 类",
        "“{band}” needs {needed} independent families of evidence, there are {present}",
    ),
    "flip.missing": text("尚无的证据类别:{families}", "families without evidence yet: {families}"),
    "flip.gone": text("若{change}(现为 {actual}),该提示消失", "if {change} (now {actual}), the flag would go away"),
    "flip.gone_days": text(
        "再过 {days} 天、其他不变,该提示消失", "after {days} more days with nothing else changed, the flag goes away"
    ),
    "nothing": text("没有单一数字或日期能改变它", "no single number or date would change it"),
    # headings of an explanation
    "decided": text("结论", "Decided"),
    "because": text("依据", "From"),
    "by_rule": text("规则", "Rule"),
    "against": text("反面", "Against"),
    "would_change": text("何种变化会改变结论", "What would change it"),
    "evidence": text("证据", "Evidence"),
    "classes": text("分类", "Classes"),
    "roles": text("采购角色", "Buying roles"),
    "questions": text("下一步可问", "Ask next"),
    "so_far": text("目前看来是 {who}", "so far it seems to be {who}"),
    "nobody": text("还看不出是谁", "nobody in sight so far"),
    "teaches": text(
        "预计减少不确定性 {gain} 比特,其知情的可能性 {knows}", "worth {gain} bits; likely to know: {knows}"
    ),
    "flags": text("提示", "Flags"),
    "stance": text("立场", "Stance"),
    "notes": text("策略备注", "Strategy note"),
    "writes": text("拟写入 CRM", "To be written to the CRM"),
    "guards": text("禁止写入", "Not to be written"),
    "none_of_rules": text("没有规则成立,取默认值", "no rule fired: the default"),
    "copied": text("没有规则成立,取记录中的 {field}", "no rule fired: {field} of the record was taken"),
    "kept": text(
        "为避免反复跳动,沿用上次结果(按规则现为「{outcome}」)",
        "kept from the last run so that it does not flap (by the rules it is now “{outcome}”)",
    ),
    "conflict": text("规则相互矛盾:{rules}", "the rules disagree: {rules}"),
    "not_fired": text(
        "未达「{outcome}」({rule}):{test},现为 {actual}", "not “{outcome}” ({rule}): {test}, now {actual}"
    ),
    "manual": text("由人设定,以人为准", "set by a person, and final"),
    "no_deal": text("不限商机", "no particular deal"),
    "no_evidence": text("没有证据", "no evidence"),
    "weight": text("权重", "weight"),
    "decayed": text("衰减后", "after decay"),
    "all_roles": text("所有角色", "every role"),
    "others": text("其他角色", "Other roles"),
    "families": text("类证据", "families"),
    "score": text("得分", "score"),
    "band": text("置信度", "confidence"),
    "not_writable": text("不写入", "not written"),
    "undated": text("无日期", "undated"),
    "as_of": text("截至", "as of"),
    "ruleset": text("规则集", "ruleset"),
    "nothing_decided": text("规则集对此记录没有任何结论", "the ruleset decides nothing about this record"),
    "more": text("另有 {n} 项", "{n} more"),
    # units
    "unit.days": text("天", "days"),
    "unit.times": text("次", "times"),
    "severity.info": text("信息", "info"),
    "severity.warning": text("警告", "warning"),
    "severity.critical": text("严重", "critical"),
}


def word(key: str, language: str, **values: object) -> str:
    """Return the word *key* in *language* with *values* filled in; values are never templates themselves."""
    template = WORDS[key].of(language)
    return template.format(**values) if values else template
