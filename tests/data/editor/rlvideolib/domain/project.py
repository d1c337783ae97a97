"""A project: sources and cuts, and their export."""

import json
import os
import subprocess
import time
from collections import namedtuple

import mlt

from rlvideolib.jobs import NonThreadedBackgroundWorker

Source = namedtuple("Source", "path,length")
Sources = namedtuple("Sources", "id_to_source")


class ProjectData:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        self.cuts = sorted(told["cuts"].values(), key=lambda cut: cut["position"])
        sources = {each: Source(one["path"], one["length"]) for each, one in told["sources"].items()}
        self.sources = Sources(sources)

    def get_source(self, source_id):
        return self.sources.id_to_source[source_id]

    def get_source_ids(self):
        return list(self.sources.id_to_source)


class Event:
    def __init__(self):
        self.listeners = []

    def listen(self, fn):
        self.listeners.append(fn)

    def trigger(self):
        for fn in self.listeners:
            fn()


class ExportSourceLoader:
    def __init__(self, profile, project):
        self.profile = profile
        self.project = project

    def get_source_mlt_producer(self, source_id):
        return mlt.Producer(self.profile, self.project.project_data.get_source(source_id).path)


class ProxySourceLoader:
    def __init__(self, project):
        self.project = project
        self.load_producer = None
        self.mlt_producers = {}

    def ensure_present(self, source_ids):
        for source_id in source_ids:
            self.project.background_worker.add("proxy", self.store(source_id), self.work(source_id))

    def store(self, source_id):
        def done(producer):
            self.mlt_producers[source_id] = producer
            self.project.producer_changed_event.trigger()
        return done

    def work(self, source_id):
        def make(progress):
            folder = os.path.join(os.path.dirname(self.project.path), ".cache")
            os.makedirs(folder, exist_ok=True)
            original = self.project.project_data.get_source(source_id).path
            proxy = os.path.join(folder, f"{source_id.replace('/', '_')}.mkv")
            if not os.path.exists(proxy):
                command = ["ffmpeg", "-v", "error", "-i", original, "-vcodec", "mjpeg", "-q:v", "3", proxy]
                subprocess.check_call(command)
            return mlt.Producer(self.project.profile, proxy)
        return make

    def get_source_mlt_producer(self, source_id):
        return self.mlt_producers[source_id]


class Sections:
    def __init__(self, cuts):
        self.cuts = cuts

    def to_mlt_producer(self, profile, cache):
        playlist = mlt.Playlist(profile)
        for cut in self.cuts:
            producer = cache.get_source_mlt_producer(cut["source"])
            playlist.append(producer.cut(cut["in_out"]["start"], cut["in_out"]["end"] - 1))
        return playlist


class Project:
    @staticmethod
    def new(background_worker=None, path=None):
        return Project(background_worker or NonThreadedBackgroundWorker(), path)

    def __init__(self, background_worker, path):
        self.background_worker = background_worker
        self.path = path
        self.profile = self.create_profile()
        self.project_data = ProjectData(path)
        self.producer_changed_event = Event()
        self.proxy_source_loader = ProxySourceLoader(self)

    def create_profile(self):
        return mlt.Profile("uhd_2160p_25")

    def split_into_sections(self):
        return Sections(self.project_data.cuts)

    def export(self):
        loader = ExportSourceLoader(profile=self.profile, project=self)
        producer = self.split_into_sections().to_mlt_producer(profile=self.profile, cache=loader)

        def work(progress):
            consumer = mlt.Consumer(self.profile, "avformat")
            consumer.set("target", "export.mp4")
            consumer.connect(producer)
            consumer.start()
            while consumer.is_stopped() == 0:
                progress(producer.position() / producer.get_playtime())
                time.sleep(0.5)

        self.background_worker.add("Exporting", lambda result: None, work)
