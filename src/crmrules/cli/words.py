"""What the command line says, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from crmrules.model.text import Text, text

WORDS: Mapping[str, Text] = {
    "object": text("对象", "object"),
    "new": text("新增", "new"),
    "changed": text("变更", "changed"),
    "deleted": text("删除", "deleted"),
    "quarantined": text("隔离", "quarantined"),
    "pulled": text("已读取的记录", "Records pulled"),
    "decided": text(
        "决策:{ruleset},截至 {as_of},推理引擎 {engine}", "Decided by {ruleset} as of {as_of}, engine {engine}"
    ),
    "class": text("维度", "class"),
    "classes": text("客户分类", "Classes"),
    "value": text("取值", "value"),
    "subjects": text("数量", "subjects"),
    "roles": text("采购角色", "Buying roles"),
    "role": text("角色", "role"),
    "contacts": text("联系人", "contacts"),
    "flags": text("提示", "Flags"),
    "flag": text("提示", "flag"),
    "accounts": text("客户", "accounts"),
    "unmatched": text("有 {n} 种职务没有规则认识", "{n} distinct titles are known to no pattern"),
    "conflicts": text("有 {n} 处规则互相矛盾", "{n} conflicts between rules"),
    "evidence": text("角色证据 {n} 条", "{n} pieces of role evidence"),
    "plan": text("计划 {id}:{n} 处变更,截至 {as_of}", "Plan {id}: {n} changes as of {as_of}"),
    "plan_empty": text("计划 {id}:没有需要写入的内容", "Plan {id}: nothing to do"),
    "saved": text("已保存:{file}", "saved in {file}"),
    "apply_with": text("执行:crmrules apply {id}", "apply it with: crmrules apply {id}"),
    "dissents": text("有 {n} 处保留了人工填写的值", "{n} values that people set are left alone"),
    "where": text("位置", "where"),
    "record": text("记录", "record"),
    "old": text("原值", "old"),
    "new_value": text("新值", "new"),
    "cause": text("原因", "cause"),
    "why": text("理由", "why"),
    "more": text("……另有 {n} 处,见计划文件", "... and {n} more in the plan's file"),
    "first": text("首次", "first"),
    "data": text("数据", "data"),
    "rule": text("规则", "rule"),
    "time": text("时间", "time"),
    "withdrawn": text("撤回", "withdrawn"),
    "applied": text("运行 {run}:写入 {n} 处", "Run {run}: {n} written"),
    "undone": text("运行 {run}:恢复 {n} 处", "Run {run}: {n} restored"),
    "not_written": text("未写入", "Not written"),
    "result": text("结果", "result"),
    "message": text("说明", "message"),
    "written": text("已写入", "written"),
    "stale": text("已被他人修改", "stale"),
    "refused": text("被拒绝", "refused"),
    "failed": text("失败", "failed"),
    "unknown": text("未知", "unknown"),
    "already": text("已是目标值", "already so"),
    "later": text("之后的运行写过", "written by a later run"),
    "left": text("未尝试", "not tried"),
    "runs": text("运行", "Runs"),
    "run": text("运行", "run"),
    "kind": text("类型", "kind"),
    "status": text("状态", "status"),
    "started": text("开始", "started"),
    "ruleset": text("规则集", "ruleset"),
    "undone_by": text("已被运行 {runs} 撤销", "undone by run {runs}"),
    "no_runs": text("还没有运行", "no run yet"),
    "rehearsal": text("演练:没有写入任何内容", "rehearsal: nothing was written or kept"),
    "exported": text("已导出", "exported"),
    "report_saved": text("报告:{file}", "report: {file}"),
    "plugins": text("插件", "Plugins"),
    "name": text("名称", "name"),
    "from": text("来源", "from"),
    "valid": text("{name} {version}:没有问题", "{name} {version}: no problems"),
    "part": text("部分", "part"),
    "entries": text("条目", "entries"),
    "created": text("已创建", "created"),
    "stored": text("现有", "stored"),
    "unknown_value": text("未知", "unknown"),
    "passed": text("通过", "passed"),
    "all": text("全部", "all"),
    "cases": text("{ruleset}:{n} 个用例", "{ruleset}: {n} cases"),
    "got": text("实际", "got"),
    "wanted": text("期望", "wanted"),
}


def word(key: str, language: str, **values: object) -> str:
    """Return a word or sentence in *language*, its blanks filled."""
    said = WORDS[key].of(language)
    return said.format(**values) if values else said
