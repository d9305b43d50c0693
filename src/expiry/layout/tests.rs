//! The table by which the layouts of old and new certificates are judged.

use super::*;

/// A way to keep an old certificate and a newer one for the same.
struct Row {
    old: &'static str,
    new: &'static str,
    bond: Bond,
    is_renewal: bool,
}

const fn renewed(old: &'static str, new: &'static str) -> Row {
    Row { old, new, bond: Bond::SameNames, is_renewal: true }
}

const fn both_in_use(old: &'static str, new: &'static str) -> Row {
    Row { old, new, bond: Bond::SameNames, is_renewal: false }
}

const fn of(bond: Bond, row: Row) -> Row {
    Row { bond, ..row }
}

/// Servers' and clients' certificates, and pushes, in files.
static FILES: [Row; 164] = [
    // One folder: versions, dates and words that say old or new.
    renewed("old.pem", "new.pem"),
    renewed("a.pem", "b.pem"),
    renewed("1.pem", "2.pem"),
    renewed("first.pem", "second.pem"),
    renewed("2026.pem", "2027.pem"),
    renewed("site.pem", "site-2026-11.pem"),
    renewed("site-24-11-2025.pem", "site-23-11-2026.pem"),
    renewed("NICK_cert_250714.pem", "NICK_cert_260714.pem"),
    renewed("ex-aug.crt", "ex-nov.crt"),
    renewed("site.pem.bak", "site.pem"),
    renewed("server.crt.2025", "server.crt"),
    renewed("site.pem", "site (1).pem"),
    renewed("ex-v1.crt", "ex-v2.crt"),
    renewed("ex.example.crt", "ex.example.2026.crt"),
    renewed("server.crt", "server_new1.crt"),
    renewed("server.crt", "server.renewed2026.crt"),
    renewed("server.crt", "server-chain.crt"),
    renewed("server.crt", "server-fullchain-new.pem"),
    renewed("peer-1.crt", "peer-2.crt"),
    renewed("peer.crt", "renewed.crt"),
    renewed("old.crt", "peer.crt"),
    renewed("cert.pem", "site.pem"),
    renewed("site.p12", "new.pem"),
    renewed("one/both.pem", "one/both.pem"),
    renewed("site.pem", "site2.pem"),
    // certbot's archive, lego's, kubelet's.
    renewed("archive/ex/cert1.pem", "archive/ex/cert2.pem"),
    renewed("archive/ex/cert1.pem", "archive/ex/fullchain2.pem"),
    renewed(".lego/archives/ex.example.1730000000.crt", ".lego/certificates/ex.example.crt"),
    renewed("kubelet-client-2025-12-01-10-00-00.pem", "kubelet-client-2026-11-27-10-00-00.pem"),
    renewed("kubelet-client-2025-11-01.pem", "kubelet-client-current.pem"),
    // One folder: names of two services, or numbers that count hosts.
    both_in_use("etcd/peer.crt", "etcd/server.crt"),
    both_in_use("peer-old.crt", "server-new.crt"),
    both_in_use("web1.crt", "web2.crt"),
    both_in_use("10.0.0.1.crt", "10.0.0.2.crt"),
    both_in_use("web.pem", "backup.pem"),
    both_in_use("api.ex.example.pem", "wildcard.ex.example.pem"),
    // One name in two formats: one was made of the other, and was not made anew.
    both_in_use("nginx.p12", "nginx.pem"),
    both_in_use("tls.pfx", "tls.crt"),
    both_in_use("keystore.p12", "tls.crt"),
    both_in_use("ex-2026.p12", "ex-2026-fullchain.pem"),
    renewed("ex-2026.p12", "ex-2027.pem"),
    of(Bond::Push, renewed("push.p12", "aps.pem")),
    of(Bond::Push, both_in_use("push.pem", "push.p12")),
    of(Bond::SameKey, both_in_use("server.jks", "server.crt")),
    // Folders that are versions, archives or dates.
    renewed("old/tls.crt", "new/tls.crt"),
    renewed("a/tls.crt", "b/tls.crt"),
    renewed("a/old.pem", "b/new.pem"),
    renewed("1/tls.crt", "2/tls.crt"),
    renewed("2025/tls.crt", "2026/tls.crt"),
    renewed("ex.example_202511/tls.crt", "ex.example_202611/tls.crt"),
    renewed("releases/20251101100000/tls.crt", "releases/20261101100000/tls.crt"),
    renewed("releases/1/tls.crt", "releases/2/tls.crt"),
    renewed("etcd/peer.crt", "new/peer.crt"),
    renewed("nginx/tls.crt", "2027/tls.crt"),
    renewed("backup/nginx/tls.crt", "nginx/tls.crt"),
    renewed("pki.bak/apiserver.crt", "pki/apiserver.crt"),
    renewed("/root/k8s-backup-2025/pki/apiserver.crt", "/etc/kubernetes/pki/apiserver.crt"),
    renewed("certs-backup-24Nov/ex.crt", "certs/ex.crt"),
    renewed("old/ex.crt", "new/fullchain.pem"),
    renewed("node500/1/tls.crt", "node500/2/tls.crt"),
    renewed("ns/ex/tls.crt", "ns/ex-new/tls.crt"),
    // A folder of the other's folder.
    renewed("old.pem", "new/site.pem"),
    renewed("ssl/fullchain.crt", "ssl/2026-11/fullchain.crt"),
    renewed("tls.crt", "certs/tls.crt"),
    // Folders of two services or hosts.
    both_in_use("cp1/pki/apiserver.crt", "cp2/pki/apiserver.crt"),
    both_in_use("node-a/tls.crt", "node-b/tls.crt"),
    both_in_use("svc-a/tls.crt", "svc-b/tls.crt"),
    both_in_use("10.0.0.1/tls.crt", "10.0.0.2/tls.crt"),
    both_in_use("east/pki/server.crt", "west/pki/server.crt"),
    both_in_use("api/tls.crt", "cdn/tls.crt"),
    both_in_use("redis/tls.crt", "postgres/tls.crt"),
    both_in_use("2025/api/tls.crt", "2026/cdn/tls.crt"),
    both_in_use("old/web1.crt", "new/web2.crt"),
    both_in_use("etcd/peer.crt", "new/etcd/server.crt"),
    both_in_use("nginx/ssl/ex.crt", "le/archive/ex.crt"),
    both_in_use("nginx/ssl/ex.crt", "letsencrypt/live/ex.example/fullchain.pem"),
    both_in_use("archive/ex.example/cert1.pem", "archive/ex.example-0001/fullchain1.pem"),
    both_in_use("live/ex.example/cert.pem", "live/ex.example-0001/cert.pem"),
    both_in_use("acme/ex.example/fullchain.cer", "acme/ex.example_ecc/fullchain.cer"),
    of(Bond::SameKey, both_in_use("web1/tls.crt", "web2/tls.crt")),
    // Push certificates, in one folder under any names.
    of(Bond::Push, renewed("push.pem", "push-new.pem")),
    of(Bond::Push, renewed("MyApp.p12", "aps_production.pem")),
    of(Bond::Push, renewed("web1.pem", "web2.pem")),
    of(Bond::SameKey, renewed("peer.crt", "server.crt")),
    of(Bond::Push, renewed("old/push.pem", "new/push.pem")),
    of(Bond::Push, renewed("2026/push.pem", "2027/push.pem")),
    of(Bond::Push, renewed("push.pem", "2027/aps_new.p12")),
    of(Bond::Push, renewed("push.pem", "aps.cer")),
    of(Bond::Push, renewed("server/push.pem", "downloads/aps.p12")),
    of(Bond::Push, both_in_use("app1/push.pem", "app2/push.pem")),
    of(Bond::Push, both_in_use("alice/push.pem", "bob/push.pem")),
    // Months and days are dates, other numbers of so many digits name somebody.
    both_in_use("customer-100234/tls.crt", "customer-100777/tls.crt"),
    both_in_use("123456789012/tls.crt", "210987654321/tls.crt"),
    renewed("build-100234/tls.crt", "build-100777/tls.crt"),
    renewed("releases/1761991200/tls.crt", "releases/1793527200/tls.crt"),
    // The word for a backup may stand in the name of a service.
    both_in_use("backup-server/tls.crt", "web/tls.crt"),
    both_in_use("legacy-shop/tls.crt", "web/tls.crt"),
    renewed("kubeadm-backup-20261128/apiserver.crt", "kubernetes/pki/apiserver.crt"),
    // What lies in a backup renews nothing.
    both_in_use("server.pem", "server-backup.pem"),
    both_in_use("tls.crt", "backup/tls.crt"),
    both_in_use("current/tls.crt", "archive/tls.crt"),
    both_in_use("web/tls.crt", "web-backup/tls.crt"),
    renewed("old/tls.crt", "backup/tls.crt"),
    of(Bond::Push, both_in_use("push.pem", "backup/push.pem")),
    of(Bond::SameKey, both_in_use("server.pem", "server-old.pem")),
    // Words of package managers and of other languages.
    renewed("server.rpmsave.pem", "server.pem"),
    renewed("server.pem", "server.dpkg-dist.pem"),
    renewed("server_deprecated.pem", "server.pem"),
    renewed("server_rotated.pem", "server.pem"),
    renewed("server.pem", "server_rotated.pem"),
    renewed("server-alt.pem", "server-neu.pem"),
    renewed("serveur_ancien.pem", "serveur_nouveau.pem"),
    renewed("viejo.pem", "nuevo.pem"),
    renewed("сервер_старый.pem", "сервер_новый.pem"),
    renewed("服务器.pem", "服务器新.pem"),
    renewed("旧证书.pem", "新证书.pem"),
    renewed("server-fy26.pem", "server-fy27.pem"),
    // Push certificates in two folders: real names count, and numbers of hosts.
    of(Bond::Push, renewed("旧/push.p12", "新/push.p12")),
    of(Bond::Push, renewed("alt/push.pem", "neu/push.pem")),
    of(Bond::Push, renewed("старый/push.pem", "новый/push.pem")),
    of(Bond::Push, renewed("Zertifikate/push.p12", "Zertifikate neu/push.p12")),
    of(Bond::Push, renewed("fy26/push.pem", "fy27/push.pem")),
    of(Bond::Push, renewed("week48/push.pem", "week49/push.pem")),
    of(Bond::Push, renewed("build-101/push.pem", "build-102/push.pem")),
    of(Bond::Push, renewed("app-26/push.pem", "app-27/push.pem")),
    of(Bond::Push, renewed("prod/push.pem", "downloads/push.pem")),
    of(Bond::Push, both_in_use("node-1/push.pem", "node-2/push.pem")),
    of(Bond::Push, both_in_use("customer-100234/push.pem", "customer-100777/push.pem")),
    // A server may have a certificate for each kind of key.
    of(Bond::Loose, renewed("cert1.pem", "cert2.pem")),
    of(Bond::Loose, renewed("ns/ex/tls.crt", "ns/ex-new/tls.crt")),
    of(Bond::Loose, both_in_use("both.pem", "both.pem")),
    of(Bond::Loose, both_in_use("a/tls.crt", "a_rsa/tls.crt")),
    of(Bond::Loose, both_in_use("tls.crt", "rsa/tls.crt")),
    // Addresses, however they are spelled, and ports.
    both_in_use("10.0.0.1:8443/tls.crt", "10.0.0.2:8443/tls.crt"),
    both_in_use("10.0.0.1:8443/tls.crt", "10.0.0.1:9443/tls.crt"),
    both_in_use("10.0.0.1_8443.crt", "10.0.0.1_9443.crt"),
    both_in_use("10-0-0-1/tls.crt", "10-0-0-2/tls.crt"),
    both_in_use("10_0_0_1.pem", "10_0_0_2.pem"),
    both_in_use("ip-10-0-0-1.pem", "ip-10-0-0-2.pem"),
    both_in_use("web-10.0.0.1-2026/tls.crt", "web-10.0.0.2-2027/tls.crt"),
    both_in_use("[2001:db8::1]/tls.crt", "[2001:db8::2]/tls.crt"),
    both_in_use("[2001:db8::1]:8443/tls.crt", "[2001:db8::2]:8443/tls.crt"),
    both_in_use("2001-db8--1.pem", "2001-db8--2.pem"),
    renewed("10.0.0.1-2026.crt", "10.0.0.1-2027.crt"),
    renewed("10.0.0.1.pem", "10.0.0.1-2026.pem"),
    renewed("10.0.0.1.pem", "10.0.0.1-new.pem"),
    renewed("10.0.0.1.pem", "10.0.0.1.pem.new"),
    renewed("10.0.0.1-1.crt", "10.0.0.1-2.crt"),
    renewed("ex-2025-12-10-10-30-45.pem", "ex-2026-12-10-10-30-45.pem"),
    renewed("24-11-2025/tls.crt", "24-11-2026/tls.crt"),
    // Numbers before a name.
    both_in_use("1web/tls.crt", "2web/tls.crt"),
    both_in_use("01-web/tls.crt", "02-web/tls.crt"),
    both_in_use("1web.crt", "2web.crt"),
    of(Bond::Push, both_in_use("1web/push.pem", "2web/push.pem")),
    renewed("2026-web/tls.crt", "2027-web/tls.crt"),
    renewed("1-old/tls.crt", "2-new/tls.crt"),
    // Folders of hosts.
    both_in_use("servers/1/tls.crt", "servers/2/tls.crt"),
    both_in_use("nodes/a/tls.crt", "nodes/b/tls.crt"),
    both_in_use("etcd-nodes/a.pem", "etcd-nodes/b.pem"),
    of(Bond::Push, both_in_use("customers/1/push.pem", "customers/2/push.pem")),
    renewed("servers/2026/tls.crt", "servers/2027/tls.crt"),
    renewed("servers/old/tls.crt", "servers/new/tls.crt"),
    // Words for where certificates are kept are a part of a name.
    both_in_use("public-api/tls.crt", "private-api/tls.crt"),
    renewed("private/tls.crt", "public/new/tls.crt"),
];

/// Entries of a dump.
static ENTRIES: [Row; 23] = [
    renewed("prod/old/tls.crt", "prod/new/tls.crt"),
    renewed("prod/ex-v1/tls.crt", "prod/ex-v2/tls.crt"),
    renewed("prod/ex-2026/tls.crt", "prod/ex-2027/tls.crt"),
    renewed("prod/ex/tls.crt", "prod/ex-renewed/tls.crt"),
    renewed("prod/ex/old.crt", "prod/ex/new.crt"),
    of(Bond::Push, renewed("prod/push/a.p12", "prod/push/b.p12")),
    both_in_use("prod/shop-ingress-tls/tls.crt", "prod/mail-gateway-tls/tls.crt"),
    both_in_use("prod/web-1/tls.crt", "prod/web-2/tls.crt"),
    both_in_use("prod/1/tls.crt", "prod/2/tls.crt"),
    both_in_use("prod/web-tls-8k2h5m7c9d/tls.crt", "prod/web-tls-b7f2k5t4h6/tls.crt"),
    both_in_use("prod/shop/tls.crt", "prod/mail-new/tls.crt"),
    both_in_use("prod/ex/tls.p12", "prod/ex/tls.crt"),
    both_in_use("prod/ex/keystore.p12", "prod/ex/tls.crt"),
    of(Bond::Push, renewed("prod/push/push.p12", "prod/apns/push.p12")),
    of(Bond::Push, renewed("prod/apns-cert/push.p12", "prod/apns-certificate/push.p12")),
    of(Bond::Push, both_in_use("prod/alice-push/push.p12", "prod/bob-push/push.p12")),
    of(Bond::Push, both_in_use("prod/tenant-100234/push.p12", "prod/tenant-100777/push.p12")),
    both_in_use("prod/tenant-100234/tls.crt", "prod/tenant-100777/tls.crt"),
    both_in_use("prod/ex-tls/tls.crt", "prod/ex-tls-bak/tls.crt"),
    both_in_use("prod/push/tls.crt", "prod/apns/tls.crt"),
    of(Bond::Push, both_in_use("prod/push-a/push.p12", "prod/push-b/push.p12")),
    // One name in two dumps may be that of two clusters.
    both_in_use("prod/ex/tls.crt", "prod/ex/tls.crt"),
    of(Bond::Push, both_in_use("prod/push/push.p12", "prod/push/push.p12")),
];

#[test]
fn layouts_tell_whether_both_are_in_use() {
    for (source, rows) in [(Source::File, &FILES[..]), (Source::Secret, &ENTRIES[..])] {
        for Row { old, new, bond, is_renewal } in rows {
            let place = |file| Place::new(file, source, &[]);
            let standing = judge(&place(old), &place(new), *bond);
            assert_eq!(standing == Standing::Version, *is_renewal, "{old} {new} {bond:?}: {standing:?}");
        }
    }
}

/// The links that lead to an old certificate and to a new one.
struct LinkRow {
    /// Those to a folder that both are in.
    shared: &'static [&'static str],
    old: &'static [&'static str],
    new: &'static [&'static str],
    expected: Option<Evidence>,
}

fn row(old: &'static [&'static str], new: &'static [&'static str], expected: Option<Evidence>) -> LinkRow {
    LinkRow { shared: &[], old, new, expected }
}

fn group(paths: &[&str]) -> Links {
    let mut links = Vec::new();
    for path in paths {
        links.push(PathBuf::from(path));
    }
    Arc::new(links)
}

#[test]
fn links_tell_what_is_in_use() {
    let one = |path: &str| Some(Evidence::Link(path.into()));
    let each = || Some(Evidence::Links);
    let live = "live/cert.pem";
    for LinkRow { shared, old, new, expected } in [
        row(&[], &[], None),
        row(&["live/cert.pem"], &[], one(live)),
        row(&[], &["live/cert.pem"], None),
        row(&["nginx.pem"], &["haproxy.pem"], each()),
        LinkRow { shared: &["all"], old: &[], new: &[], expected: None },
        LinkRow { shared: &["all"], old: &[], new: &["live/cert.pem"], expected: None },
        LinkRow { shared: &["all"], old: &["live/cert.pem"], new: &[], expected: one(live) },
        // What a link calls old is not in use.
        row(&["previous.pem"], &["push.pem"], None),
        row(&["previous.pem"], &[], None),
        row(&["releases/last"], &["releases/current"], None),
        row(&["previous/push.pem"], &["current/push.pem"], None),
        row(&["old/shop.pem"], &["live/shop.pem"], None),
        row(&["2026.pem"], &["current.pem"], None),
        row(&["2026/push.pem"], &["2027/push.pem"], None),
        row(&["previous/push.pem", "2026.pem", "live/cert.pem"], &["current/push.pem"], each()),
        // A folder and a date show it only beside a link to the new one.
        row(&["old/push.pem"], &[], one("old/push.pem")),
        row(&["2026.pem"], &[], one("2026.pem")),
        row(&["old/shop.pem"], &["mail.pem"], each()),
        // Such a word may stand in the name of a host.
        row(&["sites/archive.ex.example.pem"], &["sites/shop.ex.example.pem"], each()),
        row(&["sites/backup-server.pem"], &[], one("sites/backup-server.pem")),
        row(&["legacy-shop"], &["shop"], each()),
        row(&["sites/legacy.example.pem"], &[], one("sites/legacy.example.pem")),
        row(&["current.pem"], &["2027.pem"], each()),
    ] {
        let common = group(shared);
        let (own, other) = ([group(old), common.clone()], [group(new), common]);
        assert_eq!(links(&own, &other), expected, "{old:?} {new:?}");
    }
}

#[test]
fn an_objection_says_why_and_what_to_do() {
    let link = PathBuf::from("live/cert.pem");
    for (evidence, expected) in [
        (Evidence::Link(link), "b.pem is for the same, but a link leads to this one still: live/cert.pem"),
        (
            Evidence::Links,
            "b.pem is for the same, but seems to be in use beside it: a link leads to each; if nothing uses this one any \
             more, remove or exclude it",
        ),
        (
            Evidence::Objects,
            "b.pem is for the same, but seems to be in use beside it: objects of a cluster are, unless only a version tells \
             their names apart; if nothing uses this one any more, remove or exclude it",
        ),
        (
            Evidence::Namesakes,
            "b.pem is for the same, but seems to be in use beside it: both have this name in a dump; if nothing uses this \
             one any more, remove or exclude it",
        ),
        (
            Evidence::Format,
            "b.pem is for the same, and this one has its name in another format: make it anew from that, or remove it",
        ),
        (
            Evidence::Folders,
            "b.pem is for the same, but seems to be in use beside it: their folders differ in more than a version or a \
             date; if nothing uses this one any more, remove or exclude it",
        ),
        (Evidence::Backup, "b.pem is for the same, but its name says that it is a backup"),
        (
            Evidence::Files,
            "b.pem is for the same, but seems to be in use beside it: their names differ in more than a version or a date; \
             if nothing uses this one any more, remove or exclude it",
        ),
    ] {
        assert_eq!(evidence.objection("b.pem"), expected);
    }
}
