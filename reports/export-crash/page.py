"""Writes the investigation's page, README.md, from its results.

    page.py RESULTS HERE

Every number on the page is taken from summary.csv and summary.json of a result, or from what `memreel judge
--json` says of a job in it. A sentence that draws a conclusion is written only when its condition holds in these
results; otherwise the page says that it does not hold.
"""

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys

GIB = 1024.0**3
MIB = 1024.0**2
MEMREEL = os.environ.get("MEMREEL", "memreel")
PLOTS = ["memory-over-frames.png", "peak-by-variant.png"]


class Step:
    """What one scenario left."""

    def __init__(self, results, name):
        self.name = name
        self.folder = os.path.join(results, name, "latest")
        # By the rules of the program that writes the page.
        subprocess.run([MEMREEL, "report", self.folder], check=True, capture_output=True)
        with open(os.path.join(self.folder, "summary.json"), encoding="utf-8") as file:
            self.summary = json.load(file)
        with open(os.path.join(self.folder, "summary.csv"), encoding="utf-8") as file:
            self.jobs = [row for row in csv.DictReader(file) if row["peak_rss_bytes"]]

    def of(self, **values):
        """The rows of a variant."""
        rows = [row for row in self.jobs if all(row[axis] == value for axis, value in values.items())]
        if not rows:
            raise SystemExit(f"{self.name} has no job with {values}")
        return rows

    def median(self, column, **values):
        return statistics.median(float(row[column]) for row in self.of(**values) if row[column])

    def peak(self, **values):
        return self.median("peak_rss_bytes", **values)

    def fps(self, **values):
        return self.median("fps", **values)

    def spread(self, column, scale=1.0, digits=0, **values):
        """`482 (480–485)`: the median, and from the least to the most where there are several."""
        found = sorted(float(row[column]) / scale for row in self.of(**values) if row[column])
        middle = f"{statistics.median(found):,.{digits}f}"
        if len(found) == 1:
            return middle
        return f"{middle} ({found[0]:,.{digits}f}–{found[-1]:,.{digits}f})"

    def families(self):
        """What memreel says of each family."""
        return [(each["family"], each["verdict"], each["answer"]) for each in self.summary["families"]]

    def growth(self, family, along):
        """low, estimate, high of a family's growth along something."""
        for each in self.summary["families"]:
            if each["family"] == family:
                for found in each["evidence"]["along"]:
                    if found["with"] == along and found["growth"]:
                        return found
        return None

    def sentences(self):
        return [each["sentence"] for each in self.summary["comparisons"]]

    def change(self, axis, a, b, quantity, others=None):
        """How b differs from a: the record of summary.json; the sign and ratio as they are there."""
        for each in self.summary["comparisons"]:
            if each["axis"] == axis and (others is None or each["others"] == others):
                for change in each["changes"]:
                    if change["quantity"] != quantity:
                        continue
                    if (each["a"], each["b"]) == (a, b):
                        return change
                    if (each["a"], each["b"]) == (b, a):
                        return flipped(change)
        return None

    def judged(self, folder, *more):
        """What `memreel judge --json` says of a job."""
        command = [MEMREEL, "judge", "--json", *more, os.path.join(self.folder, "jobs", folder)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def flipped(change):
    ratio = change["quantity"].endswith("_ratio")
    turn = (lambda x: None if x is None else 1 / x) if ratio else (lambda x: None if x is None else -x)
    return {**change, "a": change["b"], "b": change["a"], "estimate": turn(change["estimate"]),
            "low": turn(change["high"]), "high": turn(change["low"])}


def mib(bytes_, digits=0):
    return f"{bytes_ / MIB:,.{digits}f} MiB"


def gib(bytes_):
    return f"{bytes_ / GIB:.1f} GiB"


def size(bytes_):
    """Bytes as people read them."""
    for unit, scale in (("GiB", GIB), ("MiB", MIB), ("KiB", 1024.0)):
        if abs(bytes_) >= scale:
            return f"{bytes_ / scale:,.1f} {unit}"
    return f"{bytes_:,.0f} B"


def interval(growth):
    """`130 KiB (−254 KiB to 437 KiB)`."""
    return f"{size(growth['estimate'])} ({size(growth['low'])} to {size(growth['high'])})"


def difference(change):
    """`+12 MiB (9 to 15)`, of bytes."""
    if change is None:
        return "not compared"
    text = f"{change['estimate'] / MIB:+.0f} MiB"
    if change["low"] is None:
        return f"{text} (one run each)"
    return f"{text} ({change['low'] / MIB:+.0f} to {change['high'] / MIB:+.0f})"


def ratio(change):
    """`0.98 × (0.95 to 1.01)`."""
    if change is None:
        return "not compared"
    text = f"{change['estimate']:.2f} ×"
    if change["low"] is None:
        return f"{text} (one run each)"
    return f"{text} ({change['low']:.2f} to {change['high']:.2f})"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def claim(holds, text, otherwise):
    return text if holds else f"**Does not hold in these results**: {otherwise}"


def quoted(sentences):
    return "\n".join(f"> {sentence}  " for sentence in sentences)


def verdicts(step, only=None):
    """memreel's own words on each family of a step."""
    return quoted(f"{family}: {answer}" for family, _, answer in step.families()
                  if only is None or only in family)


class Page:
    """The page as it is written, section by section."""

    def __init__(self, results, here):
        self.results = results
        self.here = here
        self.steps = {}
        self.conclusions = []
        self.sections = []

    def step(self, name):
        if name not in self.steps:
            self.steps[name] = Step(self.results, name)
        return self.steps[name]

    def has(self, *names):
        return all(os.path.exists(os.path.join(self.results, name, "done")) for name in names)

    def conclude(self, text, command):
        self.conclusions.append(f"{len(self.conclusions) + 1}. {text}  \n   `{command}`")

    def section(self, title, *parts):
        self.sections.append(f"## {len(self.sections) + 1}. {title}\n\n" + "\n\n".join(parts))

    def plot(self, step, which, caption):
        name = f"{step.name}-{which}"
        os.makedirs(os.path.join(self.here, "figures"), exist_ok=True)
        shutil.copy(os.path.join(step.folder, which), os.path.join(self.here, "figures", name))
        return f"![{caption}](figures/{name})"

    def keep(self, step):
        """The figures behind a step, for whoever wants to count again."""
        folder = os.path.join(self.here, "figures", step.name)
        os.makedirs(folder, exist_ok=True)
        for name in ("summary.csv", "summary.json"):
            shutil.copy(os.path.join(step.folder, name), folder)


def command(scenario, more=""):
    return f"memreel run reports/export-crash/scenarios/{scenario}.toml --rlvideo ../rlvideo{more}"


def as_the_author_ran_it(page):
    names = ["editor-uhd-20-cuts", "editor-uhd-60-cuts", "editor-uhd-240-cuts"]
    steps = [page.step(name) for name in names]
    rows, peaks = [], []
    for step, cuts in zip(steps, (20, 60, 240)):
        job = step.jobs[0]
        judged = step.judged(job["folder"])
        peak = judged["peak"]
        peaks.append(float(job["peak_rss_bytes"]))
        rows.append([str(cuts), f"{int(job['frames_out']):,}", gib(peaks[-1]), f"{peak['reached_at_frame']:,.0f}",
                     f"{float(job['fps']):.1f}", f"{float(job['cpu_s']) / float(job['frames_out']):.2f}",
                     job["verdict"]])
    low, high, slow = min(peaks), max(peaks), [float(step.jobs[0]["fps"]) for step in steps]
    fits = " ".join(f"{total} GB: {'no' if high > 0.75 * total * 1e9 else 'yes'}." for total in (4, 8, 16))
    long = steps[-1]
    page.conclude(
        f"**As you ran it, the export takes {gib(low)} to {gib(high)}** (20, 60 and 240 cuts of UHD footage, one run "
        f"each), reached early and then kept, at **{min(slow):.0f} to {max(slow):.0f} frames a second** on two cores: "
        f"\"took forever\" is x264 at UHD. Does it fit beside a desktop that needs a quarter of the memory? {fits}",
        command("editor-uhd-240-cuts"))
    page.section(
        "The export as the author ran it",
        "The editor's own `export()`, in its background thread, at its own size (3840x2160, 25 frames a second), with "
        "nothing told of how to encode. Synthetic footage stands in for the author's.",
        table(["cuts", "frames", "peak RSS", "98 % of it by frame", "frames/s", "CPU, s a frame", "verdict"], rows),
        page.plot(long, "memory-over-frames.png", "Memory over frames: 240 cuts at UHD, in the editor"),
        verdicts(long))
    for step in steps:
        page.keep(step)


def frames_or_sources(page):
    step = page.step("grid")
    lengths, sources = ("1", "2", "4"), ("1", "10", "all")
    rows = []
    for count in sources:
        rows.append([count if count != "all" else "40"] + [
            step.spread("level_at_end_bytes", MIB, length=length, sources=count) for length in lengths])
    family = step.summary["families"][0]
    plot = page.plot(step, "memory-over-frames.png", "Memory over frames: three lengths, three numbers of sources")
    along = {found["with"]: found for found in family["evidence"]["along"]}
    source = along["source"]
    level = {(length, count): step.median("level_at_end_bytes", length=length, sources=count)
             for length in lengths for count in sources}
    first = statistics.median(level[length, "10"] - level[length, "1"] for length in lengths)
    longest = {count: level["4", count] - level["1", count] for count in sources}
    longer = statistics.median(longest.values())
    told_longer = ", ".join(f"{longest[count] / MIB:.0f}" for count in sources) + " MiB"
    page.conclude(
        claim(source["growth_bytes"]["low"] < 131072 and abs(longer) < 0.15 * level["4", "all"],
              f"**Memory grows with the first sources, hardly with more of them, and hardly with length** (melt at 720p): ten "
              f"sources take {mib(first)} more than one; whether forty take more than ten is open, "
              f"{interval(source['growth_bytes'])} a source. Four times the length takes {told_longer} more with 1, 10 and "
              "40 sources: warm-up. " + in_the_editor(page),
              f"from ten to forty sources {interval(source['growth_bytes'])} a source, and {told_longer} more at four "
              "times the length"),
        command("grid"))
    parts = [
        "melt at 720p, ultrafast: 1,000, 2,000 and 4,000 frames of 1, 10 and 40 distinct sources; anonymous memory at "
        "the end, MiB, median (least to most of two runs).",
        table(["sources", "1,000 frames", "2,000", "4,000"], rows), plot, verdicts(step), quoted(family["because"])]
    page.keep(step)
    if page.has("grid-editor"):
        editor = page.step("grid-editor")
        rows = [[count if count != "all" else "40"] + [
            editor.spread("level_at_end_bytes", MIB, length=length, sources=count) for length in lengths]
            for count in sources]
        parts += ["The same in the editor, in its thread; anonymous memory at the end, MiB, one run each:",
                  table(["sources", "1,000 frames", "2,000", "4,000"], rows), verdicts(editor)]
        page.keep(editor)
    page.section("With frames, with sources, with neither?", *parts)


def in_the_editor(page):
    if not page.has("grid-editor"):
        return ""
    editor = page.step("grid-editor")
    found = [editor.median("level_at_end_bytes", length=length, sources=count)
             for length in ("1", "2", "4") for count in ("1", "10", "all")]
    return (f"The editor takes {min(found) / MIB:.0f} to {max(found) / MIB:.0f} MiB (one run each) in no order of sources: "
            "it opens the file anew for each cut.")


def ladder(page):
    step = page.step("ladder")
    rungs = [("melt", "main"), ("mlt-python", "main"), ("mlt-python", "background"), ("rlvideo", "main"),
             ("rlvideo", "background")]
    rows = [[f"{engine} · {driver}", step.spread("peak_rss_bytes", MIB, engine=engine, driver=driver),
             step.spread("fps", 1, engine=engine, driver=driver),
             step.spread("cpu_s", 1, 1, engine=engine, driver=driver)] for engine, driver in rungs]
    binding = step.change("engine", "melt", "mlt-python", "peak_rss_bytes", "main")
    editor = step.change("engine", "melt", "rlvideo", "peak_rss_bytes", "main")
    engine = step.peak(engine="melt", driver="main")
    added = step.peak(engine="rlvideo", driver="main") - engine
    page.conclude(
        claim(added < 0.2 * engine,
              f"**It is the engine, not the binding and not your application** (720p, ultrafast): melt takes {mib(engine)} for the same "
              f"cuts; through the Python binding it is {difference(binding)}, in the editor {difference(editor)}: Python "
              "itself, and next to nothing for the editor.",
              f"the editor adds {mib(added)} to melt's {mib(engine)}"),
        command("ladder"))
    parts = [
        "The same cuts, 2,000 frames of forty sources at 720p, by the engine alone, through its Python binding, and in "
        "the editor, told the same encoder (ultrafast); three runs each, median (least to most).",
        table(["", "peak RSS, MiB", "frames/s", "CPU, s"], rows),
        page.plot(step, "memory-over-frames.png", "Memory over frames: melt, the binding, and the editor"),
        quoted(step.sentences())]
    page.keep(step)
    if page.has("graph"):
        graph = page.step("graph")
        rows = [[engine, graph.spread("peak_rss_bytes", MIB, engine=engine), graph.spread("fps", 1, engine=engine)]
                for engine in ("melt", "mlt-python")]
        parts += [
            "And the author's experiment: MLT's own `xml` consumer, connected to the very producer that the editor "
            "exports (`--dump-graph`), then that file in melt and loaded through the binding:",
            table(["", "peak RSS, MiB", "frames/s"], rows), quoted(graph.sentences())]
        page.keep(graph)
    if page.has("editor-720p"):
        own = page.step("editor-720p")
        rows = [[driver, own.spread("peak_rss_bytes", MIB, driver=driver), own.spread("fps", 1, driver=driver)]
                for driver in ("main", "background")]
        parts += ["With the editor's own encoder settings at 720p (one run each):",
                  table(["driver", "peak RSS, MiB", "frames/s"], rows)]
        page.keep(own)
    page.section("The engine, the binding, or the application?", *parts)
    thread(page, step)


def thread(page, step):
    changes = {engine: step.change("driver", "main", "background", "peak_rss_bytes", engine)
               for engine in ("mlt-python", "rlvideo")}
    speed = step.change("driver", "main", "background", "cpu_per_frame_ratio", "rlvideo")
    largest = max(abs(change["estimate"]) for change in changes.values())
    page.conclude(
        claim(largest < 0.1 * step.peak(engine="melt", driver="main"),
              f"**Python's thread does not matter**, by more than {max(change['high'] for change in changes.values()) / MIB:.0f} MiB: with the export in a background thread the editor takes "
              f"{difference(changes['rlvideo'])}, the binding {difference(changes['mlt-python'])}; CPU a frame "
              f"{ratio(speed)}.",
              f"the thread changes the peak by {mib(largest)}"),
        command("ladder"))


def threads(page):
    step = page.step("threads")
    names = []
    for row in step.jobs:
        if row["threading"] not in names:
            names.append(row["threading"])
    rows = [[name, step.spread("peak_rss_bytes", MIB, threading=name), step.spread("fps", 1, threading=name),
             step.spread("busy_threads", 1, threading=name)] for name in names]
    uhd = page.step("threads-uhd")
    settings = [(threading, preset) for preset in ("default", "ultrafast")
                for threading in ("single", "default", "parallel:2")]
    rows_uhd = [[threading, preset, uhd.spread("peak_rss_bytes", MIB, threading=threading, preset=preset),
                 uhd.spread("fps", 1, 1, threading=threading, preset=preset)] for threading, preset in settings]
    usual, single = uhd.peak(threading="default", preset="default"), uhd.peak(threading="single", preset="default")
    fast = uhd.peak(threading="default", preset="ultrafast")
    bought = uhd.change("threading", "single", "default", "frames_per_second_ratio", "ultrafast")
    page.conclude(
        f"**The memory is in MLT's threads and the encoder's default preset.** A UHD export of one clip takes {mib(usual)} at "
        f"{uhd.fps(threading='default', preset='default'):.1f} frames/s as it is, {mib(single)} at "
        f"{uhd.fps(threading='single', preset='default'):.1f} with one thread for everything, and {mib(fast)} at "
        f"{uhd.fps(threading='default', preset='ultrafast'):.0f} with x264's preset ultrafast. With ultrafast, "
        f"threads make it {ratio(bought)} as fast; with the default preset that is open on two cores.",
        command("threads-uhd"))
    page.section(
        "MLT's threads, and the encoder's effort",
        "melt, 1,000 frames of forty sources at 720p, ultrafast; three runs. `single` is `real_time=0` and one thread "
        "everywhere, `default` is untold (`real_time=-1`), `render = N` is `real_time=-N`.",
        table(["threads", "peak RSS, MiB", "frames/s", "threads at work"], rows),
        "melt, 100 frames of one UHD clip; three runs:",
        table(["threads", "preset", "peak RSS, MiB", "frames/s"], rows_uhd),
        page.plot(uhd, "peak-by-variant.png", "Peak memory of a UHD export by threads and preset"),
        quoted(uhd.sentences()))
    page.keep(step)
    page.keep(uhd)


def layouts(page):
    steps = {clips: page.step(f"layouts-{clips}-clips") for clips in (10, 40, 160)}
    rows = [[str(clips), layout, step.spread("peak_rss_bytes", MIB, layout=layout),
             step.spread("fps", 1, layout=layout), step.spread("cpu_s", 1, 1, layout=layout)]
            for clips, step in steps.items() for layout in ("sections", "stacked", "flat")]
    last = steps[160]
    peaks = {clips: step.peak(layout="stacked") for clips, step in steps.items()}
    a_track = (peaks[160] - peaks[40]) / 120
    slowdown = last.median("cpu_s", layout="stacked") / last.median("cpu_s", layout="flat")
    uhd = page.step("layouts-uhd")
    uhd_rows = [[layout, uhd.spread("peak_rss_bytes", MIB, layout=layout), uhd.spread("fps", 1, 1, layout=layout)]
                for layout in ("sections", "stacked", "flat")]
    uhd_track = (uhd.peak(layout="stacked") - uhd.peak(layout="flat")) / 20
    empty, mixed, without = (page.step(name) for name in ("empty-tracks", "mixed-tracks", "without-empty-tracks"))
    gain = mixed.median("wall_s") / without.median("wall_s")
    page.conclude(
        claim(a_track > 10 * MIB,
              f"**Tracks matter: a clip on a track of its own is held open to the end.** One track a clip takes "
              f"{mib(a_track)} more with every clip at 720p, {gib(peaks[160])} for 160 clips where sections and flat "
              f"take {mib(last.peak(layout='sections'))} and {mib(last.peak(layout='flat'))}, and {slowdown:.1f} × the "
              f"CPU; at UHD it is {mib(uhd_track)} a clip. The editor's own sections do not do it, except "
              "where cuts overlap.",
              f"a track a clip takes {mib(a_track)} more with every clip"),
        command("layouts-160-clips"))
    page.conclude(
        f"**Transitions on empty tracks cost time, not memory.** Fifty empty tracks, each with the two transitions that editors plant, take "
        f"{mixed.median('wall_s'):.1f} s where the same project without them (`memreel layout --to flat`) takes "
        f"{without.median('wall_s'):.1f}: {gain:.1f} × as long, {mib(mixed.peak())} against {mib(without.peak())}.",
        command("empty-tracks"))
    page.section(
        "Sections, stacked or flat",
        "About 1,000 frames of ten sources at 720p as 10, 40 or 160 clips, in melt; the same frames out of all three "
        "layouts; three runs. `sections` is how rlvideo builds its graph, `stacked` is one track a clip, `flat` one "
        "playlist for all.",
        table(["clips", "layout", "peak RSS, MiB", "frames/s", "CPU, s"], rows),
        page.plot(steps[40], "memory-over-frames.png", "Memory over frames: forty clips in three layouts"),
        "One track a clip, forty clips (those of 160 are too short for a verdict; what sections and flat gain in a run is "
        "warm-up, as the table shows: sixteen times the clips take no more):",
        verdicts(steps[40], "stacked"),
        "Twenty UHD clips of eight frames, ultrafast, three runs:",
        table(["layout", "peak RSS, MiB", "frames/s"], uhd_rows),
        "2,000 frames at 320x180 beside fifty empty tracks; the same with a transition for pictures and one for sound "
        "on each; and that file laid out anew by `memreel layout --to flat`; three runs:",
        table(["", "wall, s", "peak RSS, MiB"],
              [[name, step.spread("wall_s", 1, 1), step.spread("peak_rss_bytes", MIB)] for name, step in
               (("fifty empty tracks", empty), ("… with transitions", mixed), ("laid out flat", without))]),
        quoted(last.sentences()))
    for step in (*steps.values(), uhd, empty, mixed, without):
        page.keep(step)


def proxies(page):
    step, made = page.step("proxies"), page.step("proxies-made")
    rows = [[media, step.spread("peak_rss_bytes", MIB, media=media), step.spread("fps", 1, 1, media=media)]
            for media in ("original", "proxy")]
    making = [[driver, made.spread("peak_rss_bytes", MIB, driver=driver),
               made.of(driver=driver)[0]["verdict"]] for driver in ("main", "background")]
    original, proxy = step.peak(media="original"), step.peak(media="proxy")
    grows = [verdict for _, verdict, _ in made.families()]
    page.conclude(
        f"**Proxies take {100 * (1 - proxy / original):.0f} % less, and they are what the experiment with melt showed.** Exported from the preview's proxies the same project takes {mib(proxy)}, "
        f"from the originals {mib(original)}. The editor's `--export-melt` (2023-08-02) connects the *preview's* "
        f"producer, so what it writes for melt shows the proxies: another export than the one that crashed. Making forty proxies, one ffmpeg after another, stays at "
        f"{mib(made.peak())} (its slow rise is the producer that the editor keeps of each).",
        command("proxies"))
    page.section(
        "Originals, proxies, and proxies being made",
        "The editor's export of twenty UHD cuts, from the originals and from its proxies (two runs):",
        table(["media", "peak RSS, MiB", "frames/s"], rows),
        quoted(step.sentences()),
        "The editor makes proxies of forty 720p sources, one `ffmpeg` after another (the whole process tree):",
        table(["driver", "peak RSS, MiB", "verdict"], making),
        page.plot(made, "memory-over-time.png", "Memory over time while the editor makes forty proxies"),
        verdicts(made))
    page.keep(step)
    page.keep(made)


TWO_HOURS = 2 * 3600 * 25


def two_hours(page):
    step = page.step("long")
    rows, told = [], {}
    for engine in ("melt", "rlvideo"):
        job = step.of(engine=engine)[0]
        judged = step.judged(job["folder"], "--predict", "2h", "--memory", "4GiB")
        growth = judged["growth_bytes_per_frame"]
        peak, rest = float(job["peak_rss_bytes"]), TWO_HOURS - float(frames_of(job))
        told[engine] = [peak + max(growth[end], 0) * rest for end in ("low", "estimate", "high")]
        words = words_of(judged)
        if judged.get("prediction") is None:
            words = f"{mib(told[engine][1])} ({told[engine][0] / MIB:,.0f} to {told[engine][2] / MIB:,.0f}), if it went on so"
        rows.append([engine, f"{int(float(frames_of(job))):,}", mib(peak), job["verdict"], interval(growth), words])
    uhd = page.step("editor-uhd-240-cuts")
    job = uhd.jobs[0]
    judged = uhd.judged(job["folder"])
    hours = TWO_HOURS / float(job["fps"]) / 3600
    unseen = judged["not_stable_above_bytes_per_frame"] * TWO_HOURS
    page.conclude(
        f"**Two hours fit where minutes do at 720p; at UHD that cannot be promised.** 8,000 frames of forty sources at 720p "
        f"took {rows[0][2]} in melt and {rows[1][2]} in the editor; two hours would be {rows[0][5]} in melt if new sources "
        f"went on coming as often, and {rows[1][5]} in the editor, where it is open whether the slow rise goes on. At UHD "
        f"no growth was seen over {int(float(frames_of(job))):,} frames, but growth too small to be seen there could add up "
        f"to {gib(unseen)} in two hours, which take {hours:.0f} hours on two cores.",
        command("long"))
    page.section(
        "What two hours need",
        "8,000 frames of forty sources at 720p, ultrafast, one run each; growth a frame between cuts (melt) or of the "
        "troughs (rlvideo), with its interval; and two hours: what `memreel explain --predict 2h` says, or the growth found "
        "carried on.",
        table(["engine", "frames", "peak RSS", "verdict", "growth a frame", "two hours"], rows),
        page.plot(step, "memory-over-frames.png", "Memory over 8,000 frames"),
        verdicts(step),
        "No leak of melt's is shown by that: what it gains at a cut may be a cache of open producers or what its heap "
        "cannot give back, each run is one, and no export was closed while it was watched. Fifty exports through the "
        "binding, each stopped, leave nothing behind (section 8): that is what speaks against a leak in MLT.")
    page.keep(step)


def frames_of(job):
    """melt tells the frames that it took in."""
    return job["frames_out"] or job["frames_in"]


def words_of(judged):
    told = judged.get("prediction")
    if told is None:
        return "not predicted: " + str(judged.get("no_prediction"))
    return f"{mib(told['estimate'])} ({told['low'] / MIB:,.0f} to {told['high'] / MIB:,.0f})"


def share(rate):
    return f"{rate['count']}, {100 * rate['rate']:.0f} % ({100 * rate['low']:.0f} to {100 * rate['high']:.0f})"


def left_behind(step, **values):
    """What stays after each export, by memreel's own count, and the threads that do."""
    judged = step.judged(step.of(**values)[0]["folder"])
    return judged["verdict"], judged["at_rest"]


def what_stays(page):
    step = page.step("exports")
    rows, found = [], {}
    for engine, stop in (("ffmpeg", "never"), ("mlt-python", "never"), ("mlt-python", "after"), ("rlvideo", "never"),
                         ("rlvideo", "after")):
        verdict, rest = left_behind(step, engine=engine, stop=stop)
        found[engine, stop] = (verdict, rest)
        levels, threads = rest["levels_bytes"], rest["threads"]
        rows.append([engine, "–" if engine == "ffmpeg" else stop, mib(levels[0]), mib(levels[len(levels) // 2]),
                     mib(levels[-1]), interval(rest["gain_bytes_per_export"]),
                     f"{threads[0]} → {threads[-1]}" if threads else "–", verdict])
    uhd = page.step("exports-uhd")
    levels = {stop: left_behind(uhd, stop=stop)[1]["levels_bytes"] for stop in ("never", "after")}
    peaks = {stop: uhd.peak(stop=stop) for stop in ("never", "after")}
    verdict, rest = found["rlvideo", "never"]
    page.conclude(
        claim(verdict == "LEAK" and found["rlvideo", "after"][0] != "LEAK",
              f"**There is a leak, too, and it is one missing line of the application**: `export()` polls `is_stopped()` and "
              f"never calls `consumer.stop()`. MLT then keeps the threads ({rest['threads'][0]} → {rest['threads'][-1]} "
              f"over {rest['exports']} exports), the file and the encoder of every export: "
              f"{interval(rest['gain_bytes_per_export'])} each at 640x360; with `consumer.stop()` it is "
              f"{interval(found['mlt-python', 'after'][1]['gain_bytes_per_export'])} through the binding alone, and "
              f"{interval(found['rlvideo', 'after'][1]['gain_bytes_per_export'])} in the editor ({found['rlvideo', 'after'][0]}). "
              f"It does not explain a first export, and two rests at UHD cannot tell the two apart "
              f"({gib(levels['never'][0])} and {gib(levels['never'][1])} against {gib(levels['after'][0])} and "
              f"{gib(levels['after'][1])}).",
              f"exports that nobody stops are {verdict}, stopped ones {found['rlvideo', 'after'][0]}"),
        command("exports-uhd"))
    page.section(
        "What stays after an export",
        f"{rest['exports']} exports of 75 frames at 640x360, one after another in one process: the lowest level between "
        "two exports. `never` is what the editor does: it lets go of the consumer when `is_stopped()` says so. `after` "
        "calls `consumer.stop()` first. What rises at first with `after` "
        "is taken for the C library's heaps for threads: in the binding alone it ends after a few exports, and with "
        "`MALLOC_ARENA_MAX=1` after the first. What an export leaves behind is counted from the thirteenth on.",
        table(["engine", "stop", "after the first", "half-way", "after the last but one", "each export leaves behind",
               "threads at rest", "verdict"], rows),
        page.plot(step, "memory-over-frames.png", "Memory over fifty exports in one process"),
        verdicts(step),
        "At UHD, as the author ran it, three exports of 60 frames without a restart; memory at rest after the first and "
        "the second, and the most at any time:",
        table(["stop", "after the first", "after the second", "peak RSS"],
              [[stop, mib(levels[stop][0]), mib(levels[stop][1]), gib(peaks[stop])] for stop in ("never", "after")]),
        page.plot(uhd, "memory-over-time.png", "Memory over time: three UHD exports in one process"))
    page.keep(step)
    page.keep(uhd)


def crashes(page):
    step = page.step("crashes")
    rows = [[" · ".join([rate["variant"]["engine"], rate["variant"]["driver"]]), str(rate["exports"])]
            + [share(rate[way]) if rate[way] else "–" for way in ("crashed", "stalled", "timed_out")]
            for rate in step.summary["rates"] if rate["exports"]]
    of_editor = [rate for rate in step.summary["rates"] if rate["variant"]["engine"] == "rlvideo"]
    failed = sum(rate["failed"]["count"] for rate in of_editor)
    tried = sum(rate["exports"] for rate in of_editor)
    worst = max(rate["failed"]["high"] for rate in of_editor)
    parts = [
        "**By chance?** Short exports (120 frames at 640x360), twenty of each variant: counts and rates, with Wilson's "
        "95 % interval.",
        table(["", "exports", "crashed", "stalled", "ran out of time"], rows)]
    memory = "an export takes more than a machine of 4 GB has left, and the next one comes on top"
    if page.has("limited") and os.path.exists(os.path.join(page.results, "limited", "latest")):
        limited = page.step("limited")
        usual, fast = limited.of(preset="default")[0], limited.of(preset="ultrafast")[0]
        end = "comes to its end" if fast["outcome"] == "finished" else "ends: " + fast["outcome"]
        memory = claim(
            usual["outcome"] == "out-of-memory",
            f"in a control group of 2.5 GiB, what a 4 GB machine has left beside a desktop, the same export is killed "
            f"by the kernel after {int(float(frames_of(usual) or 0)):,} frames; with x264's preset ultrafast it {end}, "
            f"at {float(fast['fps'] or 0):.0f} frames a second and {mib(float(fast['peak_rss_bytes']))}",
            f"in 2.5 GiB the export ended {usual['outcome']}")
        parts += [
            "**For want of memory?** Twenty UHD cuts in a control group of 2.5 GiB without swap, as the author ran it, "
            "and with another preset:",
            table(["preset", "how it ended", "after frame", "peak RSS", "frames/s"],
                  [[row["preset"], row["outcome"], frames_of(row) or "–", mib(float(row["peak_rss_bytes"])),
                    f"{float(row['fps']):.1f}" if row["fps"] else "–"] for row in (usual, fast)])]
        page.keep(limited)
    page.conclude(
        f"**If the machine had about 4 GB, the crash was the end of memory**: {memory} (one run). With 8 GB or more this "
        f"does not explain it. Of {tried} short exports in the editor {failed} "
        f"failed (of either variant at most {100 * worst:.0f} %, 95 %): chance was tried only for short, small exports.",
        "reports/export-crash/investigate.sh ../rlvideo")
    parts.append(
        "**What these data cannot say.** The author's project, footage, machine and releases (MLT and FFmpeg of July "
        "2023) are not to be had; this is MLT 7.12 with FFmpeg 5.1 and synthetic footage without effects, overlapping "
        "cuts or texts. Where cuts overlap the editor builds a tractor with a track for each; how many tracks the "
        "author's project had there is not known. The editor's window was not open: its player holds the preview's "
        "graph beside the export's. Twenty exports cannot see a crash rarer than one in six, and a race between the "
        "window's thread and the export would not show here at all. Frames a second are of this machine, which others "
        "used too while it was measured: trust memory to a few percent, and speed to a factor.")
    page.section("What the crash most likely was, and what these data cannot say", *parts)
    page.keep(step)


INTRODUCTION = """# Why the export took forever and eventually crashed

A video editor in Python, on MLT, exports a project in a background thread. A real export took forever and eventually
crashed; memory seemed to rise all the time. This is the answer to its author: the same export, measured from outside,
beside the engine alone, the binding alone, with the thread and without, in other layouts, from proxies, and with less
memory than it takes.

**In a minute.** One export at UHD takes 3 GiB, most of it within its first sixty frames, and then no more that could be
seen: the encoder's default preset and MLT's threads and decoders, not the binding, not Python's thread. A machine of 4 GB
does not have it beside a desktop, and the kernel ends the export. Two lines in `Project.export()`
(rlvideolib/domain/project.py) help:

```python
consumer.set("preset", "veryfast")  # before start(): less look-ahead; "ultrafast" took less than half
consumer.stop()                     # after the loop on is_stopped(): gives threads and encoder back
```

Before you run anything: clone memreel and rlvideo beside each other (`git -C ../rlvideo checkout cb18049`), `make build`, and
put `target/release` on the `PATH`; a command is run from memreel's folder, and gives the main figures of its answer.
Intervals are 95 %; tables give the median (least to most), quoted sentences are memreel's own and compare trimmed means.
"""

AGAIN = """## Made again by one command

```sh
git clone https://github.com/rickardlindberg/rlvideo ../rlvideo
make investigate RLVIDEO=../rlvideo
```

It says how long it will take, goes on where it was stopped, and writes this page from the results. Without a checkout
the editor's part is left out. The figures behind every table are in
`figures/`, each step's scenario in `scenarios/`.
"""


def of_machine(page):
    """Where and with what it was made."""
    jobs = os.path.join(page.results, "ladder", "latest", "jobs")
    told = []
    for folder in sorted(os.listdir(jobs)):
        with open(os.path.join(jobs, folder, "run.json"), encoding="utf-8") as file:
            run = json.load(file)
        machine, engine = run["machine"], run["engine"]
        line = f"{engine['name']} {engine['version']}"
        if line not in told:
            told.append(line)
    memory = machine["memory_bytes"] / GIB
    return (f"Made on {machine['system']}, Linux {machine['kernel']}, {machine['cpus']} CPUs ({machine['cpu']}), "
            f"{memory:.0f} GiB, with {'; '.join(told)}.\n")


def main(results, here):
    page = Page(results, here)
    for write, needed in (
        (as_the_author_ran_it, ["editor-uhd-20-cuts", "editor-uhd-60-cuts", "editor-uhd-240-cuts"]),
        (frames_or_sources, ["grid"]),
        (ladder, ["ladder"]),
        (threads, ["threads", "threads-uhd"]),
        (layouts, ["layouts-10-clips", "layouts-40-clips", "layouts-160-clips", "layouts-uhd", "empty-tracks",
                   "mixed-tracks", "without-empty-tracks"]),
        (proxies, ["proxies", "proxies-made"]),
        (two_hours, ["long"]),
        (what_stays, ["exports", "exports-uhd"]),
        (crashes, ["crashes"]),
    ):
        if page.has(*needed):
            write(page)
        else:
            print(f"page: left out: {write.__name__} ({', '.join(name for name in needed if not page.has(name))})")
    text = "\n".join([INTRODUCTION, "\n".join(page.conclusions), "", "\n\n".join(page.sections), "", AGAIN,
                      of_machine(page)])
    with open(os.path.join(here, "README.md"), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
