"""What is not verified about the vendor's API: each point as a switch, its likely answer as the default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(kw_only=True)
class Switches:
    """How this CRM behaves where nobody outside the vendor knows."""

    header_auth: bool = True  # False: the new form is not offered to this app
    body_auth: bool = True  # False: the old form is not offered
    reply_names_tenant: bool = True  # the token reply carries `ea`
    throttle_code: Literal[14001, 30004] = 14001  # beyond the window
    whitelist_code: int = 20005  # refusal of a strange address; only its words are known
    total_without_switch: bool = True  # no total switch sent: `total` is counted
    total_switch: Literal["find_explicit_total_num", "returnTotalNum", "need_return_count_num"] = (
        "find_explicit_total_num"
    )
    strict_paths: bool = True  # a custom object under the preset path, or the reverse, is refused
    strict_projection: bool = False  # an unknown name in fieldProjection is refused
    id_always: bool = True  # `_id` comes unasked
    companions: bool = True  # `<field>__r` come along with a projected field
    between_includes_end: bool = True
    invalid_visible: bool = True  # queries return invalidated rows
    deleted_visible: bool = False  # rows truly deleted are still returned, with is_deleted true
    update: Literal["partial", "whole"] = "partial"  # whole: fields that were not sent are emptied
    unknown_field: Literal["refuse", "silent"] = "silent"
    read_only_field: Literal["refuse", "silent"] = "silent"
    null_clears: bool = True  # False: null is passed over, only "" and [] empty a field
    custom_create_tells_id: bool = True  # create of a custom object answers dataId
    active_record_create: bool = True  # False: sales records are made by an action that we do not know
    active_record_requires: tuple[str, ...] = ()  # further fields that this tenant demands
    tags_bump_modified: bool = False  # hanging a tag on a record makes it a modified one
    function_result: Literal["data.functionResult", "data.result", "data", "text"] = "data.functionResult"
    function_parameter: Literal["String", "Map"] = "String"  # what the installed function takes
