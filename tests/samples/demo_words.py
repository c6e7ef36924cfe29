"""What the sample CRM is made of: names, titles and the sentences that sales people write into activities."""

# ruff: noqa: SIM905  (names are easier to read and to extend as one text)

from __future__ import annotations

from dataclasses import dataclass

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = (
    "伟 敏 静 磊 洋 艳 勇 军 杰 娟 涛 明 超 秀兰 霞 平 刚 桂英 建国 志强 海燕 国华 丽 晓东 文博 雨桐 子涵 明远 思远 佳怡 "
    "振华 立新 永康 春梅 学军 红梅 卫东 晨曦 一鸣 嘉欣 俊杰 玉兰 国梁 淑芬 建军 小红 海涛 玲"
).split()
FIRST = (
    "Dana Priya Tom Allison Bob Grace Liam Maria Omar Helen Victor Ingrid Paul Nadia Kevin Laura Sven Chloe Raj Emily "
    "Marcus Elena Diego Hannah Peter Yuki Samuel Olivia Frank Irene George Sofia Walter Anna Henry Julia"
).split()
LAST = (
    "Whitfield Raman Becker Nguyen Keane Okafor Larsen Silva Haddad Brooks Novak Lindqvist Moreau Petrov Walsh Castillo "
    "Jensen Dubois Patel Turner Klein Rossi Ortega Schmidt Tanaka Cole Byrne Weber Quinn Fischer Lopez Hughes"
).split()


@dataclass(frozen=True)
class Seat:
    """A post that an organisation has: ``part`` is what the person does in a purchase."""

    part: str  # dm, approver, gate, tech, buyer, user, infl, party, finance, other, patient, minor, none
    title: str
    department: str
    short: str = ""  # how colleagues call him after the surname


SEATS: dict[str, tuple[Seat, ...]] = {
    "hospital": (
        Seat("dm", "院长", "院办", "院长"),
        Seat("infl", "检验科主任", "检验科", "主任"),
        Seat("buyer", "采购员", "招标采购办", ""),
        Seat("tech", "医学装备科科长", "医学装备科", "科长"),
        Seat("user", "护士长", "检验科", "护士长"),
        Seat("approver", "副院长(分管设备)", "院办", "院长"),
        Seat("party", "党委书记", "党委办公室", "书记"),
        Seat("infl", "心内科主任、主任医师", "心内科", "主任"),
        Seat("user", "主任医师", "心内科", "医生"),
        Seat("gate", "院长助理兼院办主任", "院办", "主任"),
        Seat("patient", "患者", "", ""),
        Seat("none", "", "医务处", ""),
    ),
    "machinery": (
        Seat("dm", "总经理", "总经办", "总"),
        Seat("tech", "总工程师", "研发中心", "总工"),
        Seat("buyer", "采购部经理", "采购部", "经理"),
        Seat("approver", "财务总监", "财务部", "总监"),
        Seat("gate", "总经理秘书", "总经办", "秘书"),
        Seat("user", "车间主任", "一车间", "主任"),
        Seat("approver", "副总", "总经办", "总"),
        Seat("tech", "SQE质量工程师", "质量部", "工"),
        Seat("buyer", "采购员", "采购部", ""),
        Seat("user", "设备维修技师", "设备科", "师傅"),
        Seat("other", "应付会计", "财务部", "会计"),
        Seat("none", "", "", ""),
    ),
    "distributor": (
        Seat("dm", "老板", "", "老板"),
        Seat("buyer", "采购主管", "采购部", ""),
        Seat("other", "销售经理", "销售部", "经理"),
        Seat("user", "仓库主管", "仓储部", ""),
    ),
    "school": (
        Seat("dm", "校长", "校办", "校长"),
        Seat("approver", "副校长", "校办", "校长"),
        Seat("infl", "教务处主任", "教务处", "主任"),
        Seat("tech", "信息中心主任", "信息中心", "主任"),
        Seat("buyer", "总务处采购", "总务处", ""),
        Seat("user", "物理教师", "物理组", "老师"),
        Seat("other", "家长委员会代表", "", ""),
        Seat("minor", "学生会主席", "", ""),
    ),
    "company": (
        Seat("dm", "Chief Operating Officer", "Operations"),
        Seat("infl", "Director of Quality", "Quality"),
        Seat("gate", "Executive Assistant to the CEO", "Executive Office"),
        Seat("buyer", "Procurement Manager", "Procurement"),
        Seat("tech", "Security Architect", "IT"),
        Seat("approver", "Chief Financial Officer", "Finance"),
        Seat("user", "Shift Supervisor", "Operations"),
        Seat("top", "Chief Executive Officer", "Executive Office"),
        Seat("legal", "General Counsel", "Legal"),
        Seat("user", "Lab Technician", "Quality"),
        Seat("other", "Accounts Payable Clerk", "Finance"),
        Seat("none", "", ""),
    ),
    "household": (Seat("dm", "", ""), Seat("user", "", "")),
}

# part -> (type, direction, text); {me} is the person who speaks or acts, {dm} {appr} {buyer} others of his house
ZH_LINES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "dm": (
        ("meeting", "both", "{me}:这个项目我来拍板,预算在我这里,最关心投资回报和检测成本"),
        ("meeting", "both", "与{me}面谈总体拥有成本,{me}表示今年一定要上,具体由下面走流程"),
        ("approval", "in", "{me}已签批立项申请,同意上会"),
        ("contract", "in", "{me}签署合作意向书"),
        ("call", "both", "{me}来电询问交付周期,说最后由我来定,让团队抓紧比选"),
    ),
    "party": (("meeting", "both", "拜访{me}:重大采购要过党委会,集体讨论决定"),),
    "top": (("email", "out", "发出会面邀请,未回复"),),
    "approver": (
        ("meeting", "both", "{me}:超过一百万的采购需要我这里会签,预算要有依据"),
        ("approval", "in", "{me}在论证报告上签批:同意"),
        ("call", "both", "{me}问付款节点,说钱的事情要先批再走合同"),
    ),
    "infl": (
        ("meeting", "both", "{me}看了样机数据,愿意在论证会上替我们说明必要性,已提交申请表"),
        ("introduction", "in", "{me}安排我们与{dm}见面,并当场说明为什么应选我们"),
        ("meeting", "both", "{me}认为灵敏度和通量是关键指标,倾向用我们的方案"),
        ("call", "both", "{me}提醒:下月论证会,建议提前补充对比数据"),
    ),
    "tech": (
        ("meeting", "both", "{me}提出接口、精度和备件指标,招标参数由我这里起草"),
        ("site_visit", "both", "{me}现场审核,开出三个不符合项,整改不通过就不能进合格供方名录"),
        ("email", "in", "{me}:系统要过等保测评,架构必须我签字确认才能上线"),
        ("meeting", "both", "{me}认为精度不如G厂,不建议选我们,要求逐条比对"),
    ),
    "buyer": (
        ("email", "in", "{me}:请重新报价,价格再降3个点,账期按60天"),
        ("tender", "in", "{me}发出招标公告,要求报价与售后承诺"),
        ("email", "in", "{me}:下达采购订单,交期请确认,发票按合同价开具"),
        ("call", "both", "{me}核对合同条款与送货单"),
    ),
    "gate": (
        ("call", "in", "{me}:{dm}的日程由我安排,资料先发我这边,合适再转"),
        ("call", "in", "{me}来电:领导不直接见供应商,请先走流程"),
    ),
    "user": (
        ("support_ticket", "in", "{me}报修:启动自检报错E12,请指导操作"),
        ("training", "both", "{me}参加操作培训,关心换班时怎么快速校准"),
        ("complaint", "in", "{me}:噪音偏大,耗材晚到了两天,请售后到现场"),
        ("trial", "both", "{me}试用样机两周,反馈界面好用,希望有中文手册"),
    ),
    "other": (("call", "in", "{me}核对发票金额"), ("campaign", "in", "{me}参加线上研讨会")),
    "none": (("call", "in", "来电,未接到"),),
    "patient": (("campaign", "in", "健康讲座签到"),),
    "minor": (("campaign", "in", "开放日签到"),),
}
EN_LINES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "dm": (
        (
            "meeting",
            "both",
            "{me}: this comes out of my budget, I make the call on the platform. Payback within 18 months.",
        ),
        ("approval", "in", "Budget request approved by {me}."),
        (
            "meeting",
            "both",
            "Walked {me} through total cost of ownership; the final decision is mine, she said, after the pilot.",
        ),
        ("contract", "in", "{me} signed the letter of intent."),
    ),
    "top": (("email", "out", "Invitation to an executive briefing sent to {me}, no reply."),),
    "approver": (
        ("meeting", "both", "{me}: anything over 100k needs my countersignature, show me the payback."),
        ("approval", "in", "{me} approved the capital request."),
    ),
    "legal": (
        ("email", "in", "{me}: redlines to the MSA, liability cap and DPA. Legal must approve before signature."),
    ),
    "infl": (
        (
            "email",
            "in",
            "{me}: I presented the case to the leadership again, they are on board. Finance will ask about payback.",
        ),
        (
            "introduction",
            "in",
            "{me} set up the call with {dm} and sat in; built the internal business case with our ROI sheet.",
        ),
        ("meeting", "both", "{me} says throughput and traceability are the criteria; prefers our approach."),
    ),
    "tech": (
        ("email", "in", "{me}: we cannot go live without SSO and SOC 2 Type II; I have to sign off the architecture."),
        ("meeting", "both", "{me} asked for API limits, data residency and a failover test."),
        ("meeting", "both", "{me} prefers the incumbent and would not recommend switching."),
    ),
    "buyer": (
        (
            "email",
            "in",
            "{me}: please send the order form with net-60 payment terms and a 12% volume discount; I will issue the PO.",
        ),
        ("email", "in", "{me} issued PO-{n}, please confirm the delivery date."),
        ("call", "both", "{me} compared three quotes and asked for a better price."),
    ),
    "gate": (
        (
            "call",
            "in",
            "{me} called to say the CEO does not take vendor meetings; send material to her and she will pass it on.",
        ),
        ("email", "in", "{me}: I manage the calendar, please go through me."),
    ),
    "user": (
        ("support_ticket", "in", "{me} raised a ticket: calibration drifts after shift change."),
        ("training", "both", "{me} attended operator training, asked for a quick-start card."),
        ("trial", "both", "{me} runs the pilot with the night shift, happy with the interface."),
    ),
    "other": (("call", "in", "{me} reconciled invoice amounts."), ("campaign", "in", "{me} attended the webinar.")),
    "none": (("call", "in", "Missed call, no message."),),
    "household": (),
}

CITIES = (
    ("江苏", "南京"), ("浙江", "杭州"), ("广东", "深圳"), ("四川", "成都"), ("湖北", "武汉"), ("山东", "青岛"),
    ("陕西", "西安"), ("河南", "郑州"), ("湖南", "长沙"), ("福建", "厦门"), ("贵州", "毕节"), ("云南", "大理"),
)  # fmt: skip
HOSPITALS = ("第一人民医院", "中医院", "中心医院", "妇幼保健院", "第二人民医院")
MACHINERY = ("精密机械有限公司", "减速机股份有限公司", "重工集团", "自动化设备有限公司", "泵业有限公司", "阀门制造厂")
DISTRIBUTORS = ("仪器经销部", "贸易有限公司", "科学器材有限公司")
SCHOOLS = ("实验中学", "职业技术学院", "外国语学校")
COMPANIES = (
    ("Northlake Logistics", "logistics"), ("Brightwater Foods", "manufacturing"), ("Corvus Automotive", "automotive"),
    ("Helio Software", "software"), ("Stonebridge Retail", "retail"), ("Ardent Pharma", "pharma"),
    ("Kestrel Aerospace", "manufacturing"), ("Maple & Finch", "retail"), ("Orbis Freight", "logistics"),
    ("Summit Plastics", "manufacturing"), ("Tideway Bank", "bank"), ("Verdant Energy", "energy"),
    ("Wexford Medical Devices", "medical_device"), ("Zephyr Mobility", "automotive"), ("Pinecrest Labs", "pharma"),
    ("Granite Tools", "machinery"), ("Lumen Optics", "manufacturing"), ("Quayside Packaging", "manufacturing"),
)  # fmt: skip
PRODUCTS_ZH = ("在线检测设备", "质量管理软件系统", "实验室分析仪", "校准维保服务", "检测耗材")
PRODUCTS_EN = (
    "Inline inspection system",
    "Quality management software",
    "Lab analyser",
    "Calibration service",
    "Consumables",
)
CATEGORIES = ("equipment", "software", "consumables", "service")
