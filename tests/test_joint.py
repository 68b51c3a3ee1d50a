from __future__ import annotations

import asyncio
import contextvars

import pytest

from llmc.joint import Joint, in_thread, is_looping


class Work:
    """What many wait for, until a test says how it ends."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.count = 0
        self.cancelled = asyncio.Event()
        self.end = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.count += 1
        self.begun.set()
        try:
            return await self.end
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_many_wait_for_one_and_one_of_them_made_it():
    async def story():
        joint, work = Joint(), Work()
        tasks = [asyncio.create_task(joint.share("name", work)) for _ in range(3)]
        await turns()
        work.end.set_result("done")
        return await asyncio.gather(*tasks), work.count, len(joint)

    assert asyncio.run(story()) == ([(True, "done"), (False, "done"), (False, "done")], 1, 0)


def test_another_name_is_another_matter():
    async def story():
        joint, one, other = Joint(), Work(), Work()
        waits = asyncio.create_task(joint.share("one", one))
        other.end.set_result("other")
        found = await joint.share("other", other)
        one.end.set_result("one")
        return found, await waits

    assert asyncio.run(story()) == ((True, "other"), (True, "one"))


def test_a_failure_is_that_of_all():
    async def story():
        joint, work = Joint(), Work()
        tasks = [asyncio.create_task(joint.share("name", work)) for _ in range(2)]
        await turns()
        work.end.set_exception(ZeroDivisionError())
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(each) for each in asyncio.run(story())] == [ZeroDivisionError] * 2


@pytest.mark.parametrize("leaves", [0, 1], ids=["who made it", "another"])
def test_one_that_is_cancelled_leaves_the_others_their_answer(leaves):
    async def story():
        joint, work = Joint(), Work()
        tasks = [asyncio.create_task(joint.share("name", work)) for _ in range(2)]
        await turns()
        tasks[leaves].cancel()
        await turns()
        work.end.set_result("done")
        return (await tasks[1 - leaves])[1], work.cancelled.is_set()

    assert asyncio.run(story()) == ("done", False)


def test_once_the_last_has_left_it_ends_and_begins_anew():
    async def story():
        joint, first, second = Joint(), Work(), Work()
        leaves = asyncio.create_task(joint.share("name", first))
        await turns()
        leaves.cancel()
        second.end.set_result("done")
        await turns()
        return await joint.share("name", second), first.cancelled.is_set()

    assert asyncio.run(story()) == ((True, "done"), True)


def test_a_thread_is_given_what_is_made_in_the_loop():
    name = contextvars.ContextVar("name", default="")

    async def make():
        return name.get(), asyncio.current_task() is not None

    async def story():
        name.set("mine")
        return await in_thread(lambda make_it: [make_it()], make)

    assert asyncio.run(story()) == [("mine", True)]


def test_what_a_thread_raises_is_raised():
    def fail(_):
        raise ZeroDivisionError

    async def nothing():
        return None

    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_thread(fail, nothing))


def test_who_leaves_a_thread_takes_what_is_made_along():
    async def story():
        work = Work()
        task = asyncio.create_task(in_thread(lambda make_it: make_it(), work))
        await work.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await work.cancelled.wait()

    asyncio.run(asyncio.wait_for(story(), 30))


def test_outside_of_a_loop_there_is_none():
    async def inside():
        return is_looping()

    assert not is_looping()
    assert asyncio.run(inside())
