"""What `init` tells and asks."""

from __future__ import annotations

from crmrules.contracts.connector import Question
from crmrules.model.text import text
from crmrules_fxiaoke.config import CLOUDS

GUIDE = text(
    """\
1. 企业开通接口:购买“OpenAPI 接口调用量”套餐(每包 10 万次/天),并在 管理后台 打开开发者模式。
2. 管理后台 -> 开放平台/自建应用 -> 新建应用,得到 appId 与 appSecret;用管理员授权,得到永久授权码。
3. 把运行 crmrules 的机器的出口 IP 加入该应用的 IP 白名单。
4. 指定一个集成用户(员工编号,如 1000):其数据权限决定能读写哪些记录;建议单独的员工,角色为 CRM 管理员。
5. 在 客户、联系人、商机2.0 上各新建两个自定义字段:多行文本 crmrules_tags__c(规则标签)与多行文本 crmrules_strategy__c(客户策略),
   并给集成用户读写权限。如需用系统标签或销售记录,见连接器 README 的设置 tags 与 notes。
6. 运行 crmrules doctor:它会指出缺少的权限、字段,以及要做的事。""",
    """\
1. The tenant buys a package of open API calls (100,000 a day each) and switches developer mode on.
2. Back office -> open platform / own apps -> new app: this gives appId and appSecret; an administrator's consent gives
   the permanent code.
3. Put the outgoing address of the machine that runs crmrules on the app's IP whitelist.
4. Choose an integration user (employee id, e.g. 1000): his data rights say what is read and written; best an employee of
   its own, with the role of CRM administrator.
5. On account, contact and opportunity 2.0 make two custom fields each: long text crmrules_tags__c and long text
   crmrules_strategy__c, and let the integration user read and write them. To use the CRM's own tags, or sales records,
   see the settings `tags` and `notes` in the connector's README.
6. Run crmrules doctor: it names missing rights and fields, and what to do.""",
)

QUESTIONS = (
    Question(
        setting="cloud", choices=tuple(CLOUDS), default="main",
        text=text(
            "企业所在的云(主站 main;华为云 huawei;阿里/钉钉 alibaba;香港 hong-kong;法兰克福 frankfurt;北美 north-america)",
            "Cloud of the tenant (most: main)",
        ),
    ),
    Question(
        setting="auth", choices=("headers", "body"), default="headers",
        text=text("登录方式(新应用 headers;旧应用 body)", "Form of login (new apps: headers; old ones: body)"),
    ),
    Question(setting="app_id", text=text("应用的 appId(FSAID_...)", "App id (FSAID_...)")),
    Question(setting="app_secret", text=text("应用的 appSecret", "App secret"), secret=True),
    Question(setting="permanent_code", text=text("永久授权码", "Permanent code"), secret=True),
    Question(
        setting="user_id",
        text=text("集成用户的员工编号,如 1000(auth: headers)", "Employee id of the integration user, e.g. 1000 (auth: headers)"),
    ),
    Question(
        setting="mobile",
        text=text("集成用户的手机号(仅 auth: body,可空)", "Mobile of the integration user (auth: body only; may be empty)"),
    ),
)  # fmt: skip
