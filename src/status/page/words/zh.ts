import { namesOf } from '../../../public/verdict';
import type { Words } from './types';

const named = (trouble: Parameters<typeof namesOf>[0]) => namesOf(trouble, ['（', '）'], '、');

export const zh: Words = {
  lang: 'zh-CN',
  other: 'English',
  title: '证书',
  allWell: '一切正常',
  and: ' · ',
  list: '、',
  comma: '，',
  colon: '：',
  trouble(trouble, when, left) {
    switch (trouble.kind) {
      case 'kong_away':
        return 'Kong 无响应';
      case 'nothing_runs':
        return '插件未启用：没有全局生效的插件实例';
      case 'configuration':
        return '新配置无法生效';
      case 'expired':
        return `${trouble.count} 个证书${named(trouble)}已过期`;
      case 'not_served':
        return `${trouble.count} 个证书${named(trouble)}未生效`;
      case 'ending':
        return trouble.count === 1
          ? `1 个证书${named(trouble)}将于${when(trouble.first)} 到期（剩余 ${left(trouble.first)}）`
          : `${trouble.count} 个证书${named(trouble)}即将到期，最早的将于${when(trouble.first)} 到期（剩余 ${left(trouble.first)}）`;
      case 'refused':
        return `${trouble.count} 个证书${named(trouble)}被拒绝`;
      case 'writes_fail':
        return `${trouble.count} 个证书${named(trouble)}无法写入 Kong`;
      case 'overdue':
        return `${trouble.count} 个证书${named(trouble)}逾期未续期`;
      case 'awaits_approval':
        return `${trouble.count} 个证书${named(trouble)}等待批准`;
      case 'pending':
        return `${trouble.count} 个证书${named(trouble)}等待更换`;
      case 'would_change':
        return `${trouble.count} 个证书${named(trouble)}本应更换（仅观察）`;
      case 'passes_failing':
        return '无法完成同步';
      case 'writes_nothing':
        return '本网关当前不写入任何证书';
      case 'own_ending': {
        const whose =
          trouble.uses.length === 0 ? '不带 SNI 的客户端所用的' : `${trouble.uses.join('、')} 所用的`;
        return `Kong ${whose}证书将于${when(trouble.until)} 到期`;
      }
      case 'own_outdated':
        return 'Kong 尚未读取自身证书文件的新内容';
      case 'source_down':
        return `证书源 ${trouble.id} 不可用`;
    }
  },
  certificates: (count) => `共 ${count} 个证书`,
  nextEnd: (when) => `最近一个将于${when} 到期`,
  matching: (count, total) => `符合条件 ${count} 个，共 ${total} 个`,
  range: (from, to, total) => `第 ${from}–${to} 个，共 ${total} 个`,
  states: {
    not_served: '未生效',
    refused: '已拒绝',
    pending: '待更换',
    unproven: '未验证',
    no_source: '无证书源',
    in_sync: '已同步',
    unused: '未使用',
  },
  levels: {
    expired: '已过期',
    critical: '即将到期（紧急）',
    ends_soon: '即将到期',
    overdue: '逾期未续期',
  },
  kinds: {
    swapped: '已更换',
    created: '已创建',
    rolled_back: '已回滚',
    reverted: '已人工回滚',
    refused: '被拒绝',
    mended: '不再被拒绝',
    failed: '失败',
    nudged: '已提醒控制器',
    would_change: '本应更换',
    removed: '已删除',
    seen: '发现新证书',
    taken_over: '已接管',
    handed_over: '已移交',
    changed: '在 Kong 中被修改',
    appeared: '在 Kong 中出现',
    vanished: '已从 Kong 中消失',
    source_down: '证书源不可用',
    source_up: '证书源恢复',
    kong_away: 'Kong 失联',
    kong_back: 'Kong 恢复',
    started: '插件启动',
    pinned: '已固定',
    unpinned: '已取消固定',
    approved: '已批准',
    gap: '部分记录丢失',
  },
  actors: {
    us: '本插件',
    ingress_controller: 'Ingress Controller',
    other: '其他写入方',
    operator: '运维人员',
  },
  reasons: {
    unreadable: '文件无法读取',
    forbidden: '无权读取该证书源',
    unreachable: '无法访问该证书源',
    incomplete: '内容为空或不完整，可能仍在写入',
    missing_certificate: '其中没有证书',
    missing_key: '缺少证书对应的私钥',
    unsupported_format: '格式无法识别',
    encrypted_key: '私钥已加密，未提供密码或密码错误',
    alias_needed: '密钥库中有多个私钥，需要指定别名',
    found_twice: '另一个证书源中有同一个文件',
    too_large: '内容过大',
    key_mismatch: '私钥与证书不匹配',
    chain_broken: '证书无法组成完整的证书链',
    chain_incomplete: '证书链不完整，缺少中间证书',
    ca_as_leaf: '叶子证书是 CA 证书',
    not_a_ca: 'CA 证书包中含有非 CA 证书',
    expired: '叶子证书或签发它的中间证书已过期',
    not_yet_valid: '证书尚未生效',
    weak_signature: '使用了 MD5 或 SHA-1 签名',
    weak_key: '密钥过短、过长，或客户端不接受该类型',
    no_common_cipher: 'Kong 的监听端口不接受适合该密钥类型的加密套件',
    not_for_servers: '该证书不能用作服务器证书',
    too_many_names: '证书中的域名过多',
    no_names: '证书中没有可用作 SNI 的域名',
    names_not_covered: '新证书没有覆盖 Kong 中该证书的全部 SNI',
    older_than_stored: 'Kong 中的证书比它新',
    sni_taken: '某个 SNI 属于 Kong 中的另一个证书',
    vault_reference: 'Kong 中的证书是 Vault 引用',
    issuer_changed: '签发者与 Kong 中的证书不同，且没有可信的 CA 为它担保',
    name_of_another: '该域名属于另一个位置的证书',
    loses_client_auth: '有服务用它作为客户端证书，而新证书不允许此用途',
    managed_elsewhere: 'Kong 中的证书属于 Ingress Controller',
    refused_by_kong: '没有通过 Kong 自己的检查',
    still_referenced: '已移除的 CA 证书在 Kong 中仍被引用',
    not_served: '已写入，但没有实际生效，已回滚',
  },
  owners: { us: '本插件', ingress_controller: 'Ingress Controller', other: '其他写入方' },
  sorts: { urgency: '最紧急优先', expiry: '最早到期优先', name: '按域名', since: '最近变化优先' },
  places: { source: '证书源', stored: '已存储', served: '生效中' },
  time: {
    today: (clock) => `今天 ${clock}`,
    tomorrow: (clock) => `明天 ${clock}`,
    ago: (span) => `${span}前`,
    forSpan: (span) => `已持续 ${span}`,
    seconds: (count) => `${count} 秒`,
    minutes: (count) => `${count} 分钟`,
    hours: (count) => `${count} 小时`,
    days: (count) => `${count} 天`,
    now: '现在',
  },
  ui: {
    skip: '跳到证书列表',
    theme: '切换浅色/深色',
    search: '搜索',
    placeholder: '域名、指纹、路径、原因……',
    all: '全部',
    allSources: '全部证书源',
    noSource: '无证书源',
    allEntries: '全部实例',
    source: '证书源',
    entry: '插件实例',
    sort: '排序',
    filters: '按状态筛选证书',
    list: '证书列表',
    empty: '目前没有任何证书：Kong 和各证书源中都没有。',
    nothing: '没有符合条件的证书。',
    previous: '上一页',
    next: '下一页',
    pages: '分页',
    back: '全部证书',
    copy: '复制',
    copied: '已复制',
    runbook: '处理手册',
    happened: '最近动态',
    nothingHappened: '启动以来没有动态。',
    gateway: '本网关',
    sources: '证书源',
    history: '历史记录',
    noHistory: '没有该证书的历史记录。',
    gone: '该证书不存在（或已被移除）。',
    keySearch: '搜索',
    keyMove: '移动',
    keyOpen: '打开',
    keyBack: '返回',
    json: 'JSON',
    metrics: '指标',
    secondKey: '第二密钥类型',
    renewalOverdue: '逾期未续期',
    agree: '证书源、Kong 存储的与实际生效的证书一致。',
    differs: '不一致',
    nothingThere: '无',
    notSeen: '未检测到',
    unknown: '未知',
  },
  facts: {
    names: 'SNI',
    leafNames: '证书中的域名',
    id: 'Kong 中的证书',
    owner: '管理方',
    issuer: '签发者',
    chain: '证书链',
    key: '密钥',
    validFrom: '生效时间',
    validUntil: '到期时间',
    sourceHas: '证书源中',
    kongStores: 'Kong 已存储',
    kongServes: '实际生效',
    atTheLook: '握手检测结果',
    refused: '被拒绝',
    wasRefused: '曾被拒绝',
    writeFails: '写入失败',
    note: '备注',
    since: '此状态始于',
    renewalDue: '应续期时间',
    lastSwap: '上次更换',
    serial: '序列号',
    look: '自行检查',
  },
  say: {
    notInKong: '不在 Kong 中',
    none: '无',
    notLookedAt: '尚未检测',
    lookedAt: (when) => `检测于 ${when}`,
    notSinceStart: '启动以来没有',
    leaf: (from, until) => `有效期 ${from} 至 ${until}`,
    withRoot: '包含根证书',
    leafAlone: '只有叶子证书',
    until: (when) => `至 ${when}`,
    expiredAgo: (span) => `已过期 ${span}`,
    left: (span) => `剩余 ${span}`,
    and: (count) => `另有 ${count} 个`,
    updated: (span) => `${span}前更新`,
    kongAt: {
      database: (url) => `Kong：${url}（数据库模式）`,
      dbless: (url) => `Kong：${url}（无数据库模式）`,
    },
    kongAway: 'Kong 无响应',
    onlyObserves: '仅观察',
    asOf: (when) => `以下为 ${when} 的状态。`,
    configuration: (why) => `新配置无法生效，继续使用之前的配置：${why}`,
    waits: (why) => `插件正在等待：${why}`,
    noAnswer: (why) => `插件无响应（${why}）。`,
    noAnswerSince: (when, why) => `插件自 ${when} 起无响应（${why}）；以下为当时的状态。`,
    passesFail: (why) => `无法读取 Kong 中的证书，以下内容可能已过时：${why}`,
    writesNothing: (why) => `本网关当前不写入任何证书：${why}`,
    sourceDown: (id, span, why) => `证书源 ${id} 不可用，已持续 ${span}：${why}`,
    found: (count) => `找到 ${count} 个`,
    downFor: (span) => `不可用 ${span}`,
    strays: (count) => `${count} 个文件不属于任何证书包：`,
    polls: '轮询',
    every: (seconds, at) => `每 ${seconds} 秒一次，${at === null ? '启动以来尚未执行' : `上次 ${at}`}`,
    failedAt: (at, why) => `${at} 失败：${why}`,
    whoWrites: '写入方',
    nobodyObserves: '无：本实例仅观察',
    thisGateway: '本网关',
    thisGatewayFor: (why) => `暂时为本网关：${why}`,
    notThisGateway: (why) => `不是本网关：${why}`,
    nobody: '当前无人持有 Lease',
    anotherGateway: (holder) => `另一网关 ${holder}；本网关待命`,
    withoutSni: '不带 SNI 的客户端',
    asInFiles: (until) => `得到 Kong 的文件中的证书${until === null ? '' : `，有效期至 ${until}`}`,
    kongsOwn: (uses) => `Kong 自身证书（${uses}）`,
    cannotRead: '无法读取',
    declarativeFile: '声明式配置文件',
    notInFile: (id, why) => `${id} 不在其中：${why}`,
    writtenAt: (file, at) => `${file}${at === null ? '' : `，写入于 ${at}`}`,
    from: (fingerprint) => `替换 ${fingerprint}`,
    provenIn: (handshakes, ms) => `经 ${handshakes} 次握手验证，用时 ${ms} 毫秒`,
    by: (actor) => `操作方：${actor}`,
  },
};
