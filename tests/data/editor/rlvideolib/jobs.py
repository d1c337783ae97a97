"""Workers: one does a job where it is, one in a thread that reports to the main thread."""

import threading


class NonThreadedBackgroundWorker:
    def add(self, description, result_fn, work_fn):
        result_fn(work_fn(lambda done: None))


class BackgroundWorker:
    def __init__(self, display_status, on_main_thread_fn):
        self.display_status = display_status
        self.on_main_thread = on_main_thread_fn
        self.waiting = []
        self.running = False

    def add(self, description, result_fn, work_fn):
        self.waiting.append((result_fn, work_fn))
        self.go_on()

    def is_job_running(self):
        return self.running

    def go_on(self):
        if self.running or not self.waiting:
            return
        self.running = True
        result_fn, work_fn = self.waiting.pop(0)

        def finish(result):
            result_fn(result)
            self.running = False
            self.go_on()

        def tell(done):
            self.on_main_thread(self.display_status, str(done))

        def work():
            self.on_main_thread(finish, work_fn(tell))

        threading.Thread(target=work, daemon=True).start()
