"""Runs the export of the editor rlvideo, from a checkout, without its window.

    memreel_rlvideo.py PROJECT.rlvideo --checkout DIR --target OUT …

The editor's own `Project.export()` does the work. What is put around it: `import mlt` finds the binding
under the name it has today; the consumer that `export()` makes is told what was asked for beyond the
editor's own choice, watched, and its file, which is always `export.mp4` in the working folder, is moved to
its target. The editor's own worker decides about threads: `BackgroundWorker` starts one and reports to the
main thread, whose loop is turned here as the window's would be; `NonThreadedBackgroundWorker` starts none.
"""

import argparse
import importlib
import os
import queue
import shutil
import sys
import tempfile
import threading

import memreel_mlt as base
from memreel_mlt import Failure, mlt

KNOWN = "memreel knows the editor as it was on 2023-08-06 (cb18049)"


class Editor:
    """What is used of a checkout."""

    PARTS = {
        "rlvideolib.domain.project": ["Project", "ExportSourceLoader"],
        "rlvideolib.jobs": ["BackgroundWorker", "NonThreadedBackgroundWorker"],
    }
    OF_PROJECT = ["new", "create_profile", "export", "split_into_sections"]

    def __init__(self, checkout):
        if not os.path.isdir(os.path.join(checkout, "rlvideolib")):
            raise Failure(f"{checkout} is no checkout of rlvideo: it has no folder rlvideolib")
        sys.path.insert(0, checkout)
        # The editor says `import mlt`, as the binding was called then.
        sys.modules["mlt"] = mlt
        self.modules = {}
        for module, names in self.PARTS.items():
            try:
                self.modules[module] = importlib.import_module(module)
            except ImportError as error:
                raise Failure(f"this checkout of rlvideo cannot be used: {error}; {KNOWN}") from error
            for name in names:
                self.need(self.modules[module], name)
                setattr(self, name, getattr(self.modules[module], name))
        for name in self.OF_PROJECT:
            self.need(self.Project, name)

    @staticmethod
    def need(owner, name):
        if not hasattr(owner, name):
            raise Failure(f"this checkout of rlvideo has no {owner.__name__}.{name}; {KNOWN}")

    def with_profile(self, profile):
        self.Project.create_profile = lambda project: profile

    def with_proxies(self):
        """`export()` then gets each source's producer where the preview gets it."""
        project_module = self.modules["rlvideolib.domain.project"]
        project_module.ExportSourceLoader = lambda profile, project: project.proxy_source_loader


class MainLoop:
    """The main thread's loop: does what other threads hand to it, as the window's would."""

    def __init__(self):
        self.calls = queue.Queue()
        self.failed = None
        threading.excepthook = self.note

    def add(self, fn, *args):
        self.calls.put((fn, args))

    def note(self, told):
        self.failed = told.exc_value

    def run_until(self, is_over):
        while not is_over():
            if self.failed is not None:
                raise Failure(f"the editor's job failed: {self.failed}") from self.failed
            try:
                fn, args = self.calls.get(timeout=base.MAIN_LOOP_S)
            except queue.Empty:
                continue
            fn(*args)


class Worker:
    """The editor's own worker, and the knowledge whether it has anything left to do."""

    def __init__(self, editor, driver):
        self.loop = MainLoop()
        self.threaded = driver == "background"
        if self.threaded:
            self.own = editor.BackgroundWorker(lambda status: None, self.loop.add)
        else:
            self.own = editor.NonThreadedBackgroundWorker()

    def finish(self):
        if self.threaded:
            self.loop.run_until(lambda: not self.own.is_job_running())


def watched_consumer(options, progress):
    """A consumer in the place of `mlt.Consumer` that does as it is told, and is told a little more."""

    class WatchedConsumer(mlt.Consumer):
        started = 0

        def __init__(self, profile, *args):
            super().__init__(profile, *args)
            self.profile_used = profile

        def set(self, name, value):
            if name == "target" and options.target == os.devnull:
                value = os.devnull
            return super().set(name, value)

        def connect(self, producer):
            self.exported = producer
            if options.dump_graph:
                base.dump_graph(self.profile_used, producer, options.dump_graph)
            return super().connect(producer)

        def start(self):
            base.put(super(), dict(options.set))
            WatchedConsumer.started += 1
            code = super().start()
            if code != 0:
                raise Failure("MLT's avformat consumer does not start")
            progress.watch(self, self.exported)
            return code

        def is_stopped(self):
            stopped = super().is_stopped()
            if stopped and self.exported is not None:
                progress.unwatch(self.exported.get_playtime())
                self.exported = None
                if options.stop:
                    self.stop()
            return stopped

    return WatchedConsumer


def load(editor, options, worker):
    """A project, as the editor opens it; nothing is exported or made yet."""
    if options.profile:
        editor.with_profile(profile(options.profile))
    project = editor.Project.new(background_worker=worker.own, path=options.project)
    folders = [os.path.dirname(options.project), options.started_in]
    by_id = project.project_data.sources.id_to_source
    for each, source in by_id.items():
        if not os.path.isabs(getattr(source, "path", "/")):
            # The editor takes them from its working folder, which is another one here.
            places = [os.path.join(folder, source.path) for folder in folders]
            by_id[each] = source._replace(path=next(filter(os.path.exists, places), places[0]))
    return project


def profile(text):
    """`WIDTHxHEIGHT@NUMERATOR/DENOMINATOR`."""
    size, _, rate = text.partition("@")
    width, height = (int(number) for number in size.split("x"))
    numerator, denominator = (int(number) for number in rate.split("/"))
    return base.made_profile({
        "width": width, "height": height, "progressive": 1, "sample_aspect_num": 1, "sample_aspect_den": 1,
        "display_aspect_num": width, "display_aspect_den": height, "frame_rate_num": numerator,
        "frame_rate_den": denominator, "colorspace": 709 if height >= 720 else 601,
    })


def make_proxies(project, worker, progress):
    """Has the editor make what its preview shows, one source after another."""
    data = project.project_data
    lengths = {each: getattr(data.get_source(each), "length", 0) for each in data.get_source_ids()}
    made = []

    def count():
        have = [each for each, producer in project.proxy_source_loader.mlt_producers.items()
                if producer is not project.proxy_source_loader.load_producer]
        for each in have:
            if each not in made:
                made.append(each)
                progress.tell(f"proxy {each}")
        frames = sum(lengths[each] for each in made)
        progress.tell(f"frames {frames} {frames}")

    project.producer_changed_event.listen(count)
    project.proxy_source_loader.ensure_present(data.get_source_ids())
    worker.finish()
    count()
    if len(made) < len(lengths):
        raise Failure(f"the editor made {len(made)} of {len(lengths)} proxies")


def opened(editor, options):
    """The project as the editor has it open, and its worker: both stay for as many exports as are asked for."""
    worker = Worker(editor, options.driver)
    project = load(editor, options, worker)
    if options.media == "proxy":
        editor.with_proxies()
        project.proxy_source_loader.ensure_present(project.project_data.get_source_ids())
        worker.finish()
    return project, worker


def export(project, worker):
    """What a click on the editor's button does, to the end."""
    before = mlt.Consumer.started
    project.export()
    worker.finish()
    if mlt.Consumer.started == before:
        raise Failure(f"the editor's export() started no consumer; {KNOWN}")


def make_proxies_anew(editor, options, progress):
    """The editor keeps proxies in a folder beside the project: a copy of the project has none yet."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(options.project)) as folder:
        if not options.keep_proxies:
            options.project = shutil.copy(options.project, folder)
        worker = Worker(editor, options.driver)
        make_proxies(load(editor, options, worker), worker, progress)


def in_a_folder_of_its_own(options, work):
    """The editor writes `export.mp4` where it is."""
    if options.target is None or options.target == os.devnull:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            work()
            os.chdir("/")
        return
    target = os.path.abspath(options.target)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target)) as folder:
        os.chdir(folder)
        work()
        os.chdir("/")
        written = os.path.join(folder, "export.mp4")
        if not os.path.exists(written):
            raise Failure(f"the editor's export() left no export.mp4; {KNOWN}")
        os.replace(written, target)


def options_of_command_line():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("project", metavar="PROJECT.rlvideo")
    parser.add_argument("--checkout", required=True, metavar="DIR")
    parser.add_argument("--profile", metavar="WxH@N/D", help="instead of the editor's own")
    parser.add_argument("--media", choices=["original", "proxy", "make-proxies"], default="original")
    parser.add_argument("--keep-proxies", action="store_true", help="make only those that are not there, for good")
    base.add_common(parser)
    options = parser.parse_args()
    options.started_in = os.getcwd()
    for name in ("project", "target", "dump_graph", "checkout"):
        path = getattr(options, name)
        if path is not None:
            setattr(options, name, os.path.abspath(path))
    return options


def main():
    options = options_of_command_line()
    editor = Editor(options.checkout)
    mlt.Factory().init()
    progress = base.Progress()
    if options.media == "make-proxies":
        make_proxies_anew(editor, options, progress)
        return
    mlt.Consumer = watched_consumer(options, progress)

    def all_exports():
        project, worker = opened(editor, options)
        base.each_export(options, progress, lambda: export(project, worker))

    in_a_folder_of_its_own(options, all_exports)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"memreel_rlvideo: {failure}")
