/**
 * crmrules_tag__c: reads tags of many records, or merges those of one.
 *
 * Install: 自定义函数 -> 新建, api name crmrules_tag__c, namespace "controller" (called over the open API), no bound object,
 * one parameter: name `payload`, type String. Return type Map. See the connector's README.
 *
 * Fx.tag.update replaces a record's whole set of tags, so this reads, merges and writes in one go:
 * nobody's tags are lost, and a tag that a person changed meanwhile is answered as "stale".
 *
 *   {"op": "read", "object": "AccountObj", "ids": [..]}                     -> {"ok": true, "tags": {id: [name, ..]}}
 *   {"op": "merge", "object": .., "id": .., "prefixes": [..], "seen": [..], "remove": [..], "add": [..],
 *    "create": true, "group": "crmrules", "api_names": {name: api name}}   -> {"ok": true, "tags": [name, ..]}
 *   otherwise {"ok": false, "error": "stale" | "unknown-tag" | "no-group" | "failed", "name": .., "tags": [..]}
 */
Map asked = payload instanceof Map ? payload as Map : Fx.json.parse(payload as String) as Map
String objectName = asked["object"] as String

if (asked["op"] == "read") {
    Map tags = [:]
    for (Object id : asked["ids"] as List) {
        APIResult found = Fx.tag.findTagById(objectName, id as String)
        if (found.isError()) {
            return ["ok": false, "error": "failed", "name": found.message()]
        }
        List names = []
        for (Object tag : found.data as List) {
            names.add((tag as Map)["name"])
        }
        tags[id as String] = names
    }
    return ["ok": true, "tags": tags]
}

String id = asked["id"] as String
APIResult defines = Fx.tag.findTagDefine(objectName)
APIResult before = Fx.tag.findTagById(objectName, id)
if (defines.isError() || before.isError()) {
    return ["ok": false, "error": "failed", "name": defines.isError() ? defines.message() : before.message()]
}

Map idOf = [:]
String group = ""
for (Object define : (defines.data as Map)["dataList"] as List) {
    Map tag = define as Map
    idOf[tag["name"]] = tag["tagId"]
    if (tag["tagGroup"] == asked["group"]) {
        group = tag["tagGroupId"] as String
    }
}

List prefixes = asked["prefixes"] as List
List standing = []
List ours = []
List kept = []
for (Object one : before.data as List) {
    Map tag = one as Map
    String name = tag["name"] as String
    standing.add(name)
    if (prefixes.contains(name.split("=")[0])) {
        ours.add(name)
    }
    if (!(asked["remove"] as List).contains(name)) {
        kept.add(tag["tagId"])
    }
}
List seen = asked["seen"] as List
if (ours.size() != seen.size() || !seen.containsAll(ours)) {
    return ["ok": false, "error": "stale", "tags": standing]
}

for (Object wanted : asked["add"] as List) {
    String name = wanted as String
    if (idOf[name] == null) {
        if (!asked["create"]) {
            return ["ok": false, "error": "unknown-tag", "name": name, "tags": standing]
        }
        if (group == "") {
            return ["ok": false, "error": "no-group", "name": asked["group"], "tags": standing]
        }
        TagArg arg = TagArg.builder().groupId(group).tagName(name).description("")
            .tagApiName((asked["api_names"] as Map)[name] as String).build()
        APIResult made = Fx.tag.createTag(arg)
        if (made.isError()) {
            return ["ok": false, "error": "unknown-tag", "name": name + ": " + made.message(), "tags": standing]
        }
        idOf[name] = made.data
    }
    if (!kept.contains(idOf[name])) {
        kept.add(idOf[name])
    }
}

APIResult done = Fx.tag.update(objectName, id, kept)
if (done.isError()) {
    return ["ok": false, "error": "failed", "name": done.message(), "tags": standing]
}
APIResult after = Fx.tag.findTagById(objectName, id)
List names = []
for (Object tag : after.data as List) {
    names.add((tag as Map)["name"])
}
return ["ok": true, "tags": names]
