"""What the programme can say about itself: the projector's fold, the report built of its cells, what may be shown.

`projection` turns each journey into amounts (pure). `report` turns summed amounts into the report (pure).
`disclosure` hides small numbers (pure). `repository` reads the sums. Nothing here decides anything about a journey.
"""
