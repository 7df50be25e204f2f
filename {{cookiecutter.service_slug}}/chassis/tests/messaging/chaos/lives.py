"""What clients of the sample do."""

from chassis.testing.messaging.chaos import Client, Life
from tests.sample.api import LABELS_URL, URL


async def life_of_a_parcel(client: Client) -> None:
    """Created, amended, confirmed, cancelled."""
    created = await client.send("POST", URL, {"reference": "A-1001", "quantity": 3})
    path = created.headers["location"]
    for quantity in range(4, 7):
        await client.send("PATCH", path, {"quantity": quantity})
    await client.send("POST", f"{path}/confirm")
    await client.send("POST", f"{path}/cancel")


async def life_of_a_label(client: Client) -> None:
    """Printed."""
    await client.send("POST", LABELS_URL, {"text": "fragile"})


LIVES: dict[str, Life] = {"parcel": life_of_a_parcel, "shipping-label": life_of_a_label}
