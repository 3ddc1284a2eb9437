"""The stream role of outcome: the live page and everything that shows figures as they move.

One reader of the data, one loop over its clients. In: outcome's own cells, as the projector keeps them. Out:
`GET /programmes/{id}/figures` (whole versioned snapshots), the page that draws them, and each changed published
cell on the compacted topic `journey.indicators.v1`. Exact figures go only to who may read the report; the
topic, and the stream unless `form=exact` is asked, carry what has passed `disclosure.publish`.
"""
