"""Exports an MLT graph through MLT's Python binding, as an application does.

    memreel_mlt.py GRAPH.mlt --target OUT [--graph built|loaded] [--driver main|background] …
    memreel_mlt.py --about
    memreel_mlt.py --describe GRAPH.mlt

Once it is built or loaded, the graph is given to an `avformat` consumer, and `is_stopped` is asked every
half a second: on the main thread, or in a thread of its own while the main thread runs its own loop.

Descriptor 5, where it is open, is told how far the export is:

    frames IN OUT   taken from the graph, and put into the file, over all exports of the process
    export K        the Kth export begins
    closed K        everything of the Kth export was let go of
"""

import argparse
import json
import os
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

try:
    import mlt7 as mlt
except ImportError:
    import mlt

CONSUMER = mlt.Consumer
"""MLT's own, whatever an application is given in its place."""
PROGRESS_FD = 5
POLL_S = 0.5
"""How often an application asks whether the export is over."""
MAIN_LOOP_S = 0.1
"""How often the loop of an application's main thread turns, to draw its window."""
REPORT_S = 0.01
"""How often the counters are read. It costs 2 ms of CPU a second, outside of MLT."""


class Failure(Exception):
    """One line for the user."""


class Progress:
    """Tells the harness how many frames there are."""

    def __init__(self):
        try:
            self.pipe = os.fdopen(PROGRESS_FD, "wb", buffering=0)
        except OSError:
            self.pipe = None
        self.before = 0
        self.seen = (0, 0)
        self.watched = None
        self.lock = threading.Lock()
        self.tell("memreel-driver-progress 1")

    def tell(self, line):
        if self.pipe is None:
            return
        try:
            self.pipe.write(f"{line}\n".encode())
        except OSError:
            self.pipe = None

    def watch(self, consumer, producer):
        """Reads the counters of an export until it is no longer watched."""
        with self.lock:
            self.watched = (consumer, producer)
        threading.Thread(target=self._read, daemon=True).start()

    def unwatch(self, frames):
        """The export is over: what it exported is known."""
        with self.lock:
            watched, self.watched = self.watched, None
            if watched is not None:
                self._report(*watched)
        self.before += frames

    def _read(self):
        while True:
            with self.lock:
                if self.watched is None:
                    return
                self._report(*self.watched)
            time.sleep(REPORT_S)

    def _report(self, consumer, producer):
        # Both are positions, from 0; the one of the consumer is that of the last frame it was shown.
        put_out = consumer.position()
        now = (self.before + producer.position(), self.before + put_out + (put_out > 0))
        now = (max(now), now[1])
        if now > self.seen:
            self.seen = now
            self.tell("frames {} {}".format(*now))


def profile_of(root):
    """The profile of a graph that memreel wrote."""
    told = root.find("profile").attrib
    return made_profile({name: int(value) for name, value in told.items() if value.isdecimal()})


def made_profile(number):
    """A profile by the numbers that MLT XML has for one."""
    profile = mlt.Profile()
    profile.set_width(number["width"])
    profile.set_height(number["height"])
    profile.set_progressive(number["progressive"])
    profile.set_sample_aspect(number["sample_aspect_num"], number["sample_aspect_den"])
    profile.set_display_aspect(number["display_aspect_num"], number["display_aspect_den"])
    profile.set_frame_rate(number["frame_rate_num"], number["frame_rate_den"])
    profile.set_colorspace(number["colorspace"])
    profile.set_explicit(1)
    return profile


class Builder:
    """Makes the objects of a graph that memreel wrote one by one, as an editor does."""

    HIDE = {"video": 1, "audio": 2, "both": 3}

    def __init__(self, root, profile):
        self.root = root
        self.profile = profile
        self.made = {}

    def build(self):
        """The last object is what is exported."""
        make = {"producer": self.producer, "playlist": self.playlist, "tractor": self.tractor}
        last = None
        for element in self.root:
            if element.tag in make:
                last = self.made[element.get("id")] = make[element.tag](element)
        return last

    def producer(self, element):
        told = properties(element)
        service, resource = told.pop("mlt_service"), told.pop("resource")
        name = resource if service.startswith("avformat") else f"{service}:{resource}"
        producer = mlt.Producer(self.profile, name)
        if not producer.is_valid():
            raise Failure(f"MLT cannot open {resource}")
        put(producer, told)
        if "length" in told:
            producer.set_in_and_out(int(element.get("in", 0)), int(element.get("out", told["length"])))
        return producer

    def playlist(self, element):
        playlist = mlt.Playlist(self.profile)
        for child in element:
            if child.tag == "entry":
                producer = self.made[child.get("producer")]
                playlist.append(producer.cut(int(child.get("in")), int(child.get("out"))))
            elif child.tag == "blank":
                # Playlist.blank() takes the last frame's number.
                playlist.blank(int(child.get("length")) - 1)
        put(playlist, properties(element))
        return playlist

    def tractor(self, element):
        tractor = mlt.Tractor(self.profile)
        for number, track in enumerate(element.findall("track")):
            producer = self.made[track.get("producer")]
            if track.get("hide"):
                producer.set("hide", self.HIDE[track.get("hide")])
            tractor.set_track(producer, number)
        for child in element.findall("transition"):
            told = properties(child)
            transition = mlt.Transition(self.profile, told.pop("mlt_service"))
            tracks = int(told.pop("a_track")), int(told.pop("b_track"))
            put(transition, told)
            if child.get("in") is not None:
                transition.set_in_and_out(int(child.get("in")), int(child.get("out")))
            tractor.plant_transition(transition, *tracks)
        if element.get("out") is not None:
            tractor.set_in_and_out(int(element.get("in", 0)), int(element.get("out")))
        return tractor


def properties(element):
    return {each.get("name"): each.text or "" for each in element.findall("property")}


def put(service, told):
    for name, value in told.items():
        service.set(name, value)


def read_graph(path, how):
    """Profile and producer of a graph."""
    if how == "built":
        root = ElementTree.parse(path).getroot()
        profile = profile_of(root)
        return profile, Builder(root, profile).build()
    profile = mlt.Profile()
    # As melt does it: the file's profile is taken over when the file is opened, and what was opened
    # before it was known is opened again.
    mlt.Producer(profile, "xml", path)
    profile.set_explicit(1)
    producer = mlt.Producer(profile, "xml", path)
    if not producer.is_valid():
        raise Failure(f"MLT cannot load {path}")
    return profile, producer


def write_account(profile, producer, told):
    """MLT's own account of a graph."""
    writer = CONSUMER(profile, "xml")
    put(writer, told)
    writer.connect(producer)
    writer.start()
    while writer.is_stopped() == 0:
        time.sleep(0.01)
    writer.stop()


def dump_graph(profile, producer, path):
    """The account of what is exported, in a file."""
    # Whole paths, whatever the working folder is.
    write_account(profile, producer, {"resource": path, "no_root": "1"})
    # What was exported has to be shown from its first frame on.
    producer.seek(0)
    if not os.path.exists(path):
        raise Failure(f"MLT's xml consumer did not write {path}")


def describe(path):
    """The account of a graph that MLT has loaded, on standard output."""
    profile, producer = read_graph(path, "loaded")
    # Else only the document's name is in the account.
    producer.set("resource", "<playlist>")
    write_account(profile, producer, {"no_meta": "1"})


def export(options, progress):
    """One export from the graph's file to the end: nothing of it is left when this returns."""
    profile, producer = read_graph(options.graph_file, options.graph)
    if options.dump_graph:
        dump_graph(profile, producer, options.dump_graph)
    frames = producer.get_playtime()
    consumer = mlt.Consumer(profile, "avformat")
    if not consumer.is_valid():
        raise Failure("this MLT has no avformat consumer")
    consumer.set("target", options.target)
    put(consumer, dict(options.set))
    consumer.connect(producer)
    if consumer.start() != 0:
        raise Failure("MLT's avformat consumer does not start")
    progress.watch(consumer, producer)
    try:
        while consumer.is_stopped() == 0:
            time.sleep(POLL_S)
    finally:
        progress.unwatch(frames)
    if options.stop:
        consumer.stop()


def in_background(work):
    """Does work in a thread, while the main thread runs its own loop."""
    failed = []

    def run():
        try:
            work()
        except BaseException as error:  # noqa: B902 - raised again on the main thread
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        time.sleep(MAIN_LOOP_S)
    for error in failed:
        raise error


def each_export(options, progress, one):
    """As many exports as were asked for, one after another, with a rest after each."""
    for number in range(1, options.exports + 1):
        progress.tell(f"export {number}")
        one()
        progress.tell(f"closed {number}")
        if options.exports > 1:
            time.sleep(options.rest)


def about():
    """What the binding is, for the harness."""
    module = sys.modules[mlt.Consumer.__module__]
    native = sys.modules.get(f"_{module.__name__}")
    return {
        "version": mlt.mlt_version_get_string(),
        "module": module.__name__,
        "native": getattr(native, "__file__", None),
        "python": sys.version.split()[0],
    }


def print_list(what):
    """MLT prints the encoders or containers that it has when it is asked for the one called `list`."""
    consumer = mlt.Consumer(mlt.Profile(), "avformat")
    consumer.set(what, "list")
    consumer.start()
    consumer.stop()


def pair(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("must be NAME=VALUE")
    return name, value


def add_common(parser):
    parser.add_argument("--target", help="the file to write")
    parser.add_argument("--set", type=pair, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--driver", choices=["main", "background"], default="main")
    parser.add_argument("--stop", action="store_true", help="tell a consumer to stop once it says that it has")
    parser.add_argument("--exports", type=int, default=1, help="so many, one after another")
    parser.add_argument("--rest", type=float, default=0.1, help="seconds between two exports")
    parser.add_argument("--dump-graph", metavar="FILE", help="have MLT write the graph that is exported")


def main():
    if sys.argv[1:] == ["--about"]:
        print(json.dumps(about()))
        return
    mlt.Factory().init()
    if sys.argv[1:2] == ["--list"]:
        print_list(sys.argv[2])
        return
    if sys.argv[1:2] == ["--describe"]:
        describe(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("graph_file", metavar="GRAPH.mlt")
    parser.add_argument("--graph", choices=["built", "loaded"], default="loaded")
    add_common(parser)
    options = parser.parse_args()
    progress = Progress()

    def one():
        export(options, progress)

    each_export(options, progress, (lambda: in_background(one)) if options.driver == "background" else one)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"memreel_mlt: {failure}")
