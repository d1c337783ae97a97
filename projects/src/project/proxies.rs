//! Proxies: what an editor plays in place of a medium while one edits, and not when it exports.

use crate::mlt::Graph;
use crate::mlt::graph::{Part, Service};

/// The property that keeps the proxy of a producer whose original is in its place.
const KEPT: &str = "memreel:proxy";

/// Puts the original in the place of every proxy, as Kdenlive and Shotcut do when they export; returns of how many.
pub fn put_originals(graph: &mut Graph) -> usize {
    exchange(graph, |service| {
        let original = original(service)?.to_string();
        let proxy = path(service)?.to_string();
        service.properties.set(KEPT, proxy);
        Some(original)
    })
}

/// Puts the proxies back; returns how many.
pub fn put_proxies(graph: &mut Graph) -> usize {
    exchange(graph, |service| service.properties.take(KEPT))
}

fn exchange(graph: &mut Graph, new_path: impl Fn(&mut Service) -> Option<String>) -> usize {
    let services = graph.parts.iter_mut().filter_map(|part| match part {
        Part::Service(service) => Some(service),
        Part::Other(_) => None,
    });
    services.filter_map(|service| new_path(service).map(|path| put(service, path))).count()
}

/// The original of a producer that plays a proxy: Kdenlive names the proxy beside it, or `-` where there is none,
/// and Shotcut says that it is one.
fn original(service: &Service) -> Option<&str> {
    let value = |name: &str| service.value(name).filter(|value| !value.is_empty());
    let is_proxy = value("kdenlive:proxy").is_some_and(|proxy| proxy != "-");
    let of_kdenlive = value("kdenlive:originalurl").filter(|_| is_proxy);
    let of_shotcut = || value("shotcut:resource").filter(|_| value("shotcut:proxy") == Some("1"));
    let original = of_kdenlive.or_else(of_shotcut)?;
    path(service).filter(|path| *path != original).and(Some(original))
}

/// The path that a producer plays.
fn path(service: &Service) -> Option<&str> {
    let resource = service.value("resource")?;
    match service.value("mlt_service") {
        Some("timewarp") => service.value("warp_resource").or_else(|| Some(resource.split_once(':')?.1)),
        _ => Some(resource),
    }
}

fn put(service: &mut Service, path: String) {
    if service.value("mlt_service") != Some("timewarp") {
        return service.properties.set("resource", path);
    }
    let speed =
        service.value("resource").and_then(|resource| resource.split_once(':')).map(|(speed, _)| speed);
    let resource = format!("{}:{path}", speed.unwrap_or("1"));
    service.properties.set("resource", resource);
    service.properties.set("warp_resource", path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlt::from_mlt_xml;

    fn resources(graph: &Graph) -> Vec<&str> {
        graph.services().filter_map(|service| service.value("resource")).collect()
    }

    #[test]
    fn originals_are_played_in_place_of_the_proxies_of_kdenlive_and_shotcut() {
        let producer = |id: &str, properties: &[(&str, &str)]| {
            let property =
                |(name, value): &(&str, &str)| format!("<property name='{name}'>{value}</property>");
            format!("<producer id='{id}'>{}</producer>", properties.iter().map(property).collect::<String>())
        };
        let text = [
            "<mlt>".to_string(),
            producer(
                "a",
                &[("resource", "p.mov"), ("kdenlive:proxy", "p.mov"), ("kdenlive:originalurl", "a.mp4")],
            ),
            producer(
                "b",
                &[("resource", "b.mp4"), ("kdenlive:proxy", "-"), ("kdenlive:originalurl", "b.mp4")],
            ),
            producer(
                "c",
                &[
                    ("mlt_service", "timewarp"),
                    ("resource", "2:p.mov"),
                    ("warp_resource", "p.mov"),
                    ("kdenlive:proxy", "p.mov"),
                    ("kdenlive:originalurl", "a.mp4"),
                ],
            ),
            producer(
                "d",
                &[("resource", "proxies/d.mp4"), ("shotcut:proxy", "1"), ("shotcut:resource", "d.mp4")],
            ),
            "</mlt>".to_string(),
        ]
        .concat();
        let mut graph = from_mlt_xml(&text).unwrap();
        assert_eq!(put_originals(&mut graph), 3);
        assert_eq!(resources(&graph), ["a.mp4", "b.mp4", "2:a.mp4", "d.mp4"]);
        assert_eq!(graph.by_id()["c"].medium(), Some("a.mp4"));
        assert_eq!(put_originals(&mut graph), 0);
        assert_eq!(put_proxies(&mut graph), 3);
        assert_eq!(resources(&graph), ["p.mov", "b.mp4", "2:p.mov", "proxies/d.mp4"]);
    }
}
